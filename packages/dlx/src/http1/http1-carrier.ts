import type { Attempt, Carrier, HttpRequest, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Refusal } from '../outcome.ts';
import { Http1Attempt } from './http1-attempt.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { fieldsOf, type Head } from '../head/head.ts';
import type { RawMessage } from './raw-message.ts';
import type { RawResponse } from './raw-response.ts';
import { checkRequest } from './request-check.ts';
import { resetSocket } from '../sockets/reset-socket.ts';

/** A request in HTTP/1.0 or 1.1. */
export class Http1Carrier implements Carrier<Exchange>, HttpRequest {
  readonly req: RawMessage;
  readonly res: RawResponse;
  readonly head: Head;
  path = '/';
  readonly #expectsContinue: boolean;
  #continued = false;

  /** `expectsContinue`: the client waits for `100 Continue` before it sends its body. */
  constructor(req: RawMessage, res: RawResponse, expectsContinue: boolean) {
    this.req = req;
    this.res = res;
    this.#expectsContinue = expectsContinue;
    this.head = req.head;
  }

  get http(): this {
    return this;
  }

  get method(): string {
    return this.req.method as string;
  }

  get url(): string {
    return this.req.url as string;
  }

  get answering(): boolean {
    return this.res.headersSent;
  }

  fields(names: ReadonlySet<string>): ReadonlyMap<string, string> {
    return fieldsOf(this.req.rawHeaders, names);
  }

  check(x: Exchange): Refusal | undefined {
    return checkRequest(this, x.core.accounting.bounds, this.req);
  }

  answer(answer: OwnAnswer): void {
    const { res } = this;
    // A client that never got "100 Continue" may send its body or leave it out: the connection cannot go on.
    if (answer.last || this.#expectsContinue) res.shouldKeepAlive = false;
    res.writeHead(answer.status, answer.fields);
    res.end(this.method === 'HEAD' ? undefined : answer.body);
    // Node throws a body away by itself only if it was never looked at.
    if (!this.req.complete) this.req.resume();
  }

  reset(): void {
    if (this.res.socket !== null) resetSocket(this.res.socket);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): Attempt {
    return new Http1Attempt(x, this, way, state);
  }

  /** Whether Node may have something to add to the head of an answer that has `Date` and `Content-Length`. */
  addsToHead(status: number): boolean {
    if (!this.res.shouldKeepAlive || this.#expectsContinue) return true;
    return this.req.method === 'HEAD' || status === 204 || status === 304;
  }

  /** The upstream is connected: the client may send its body. */
  continue(): void {
    if (!this.#expectsContinue || this.#continued) return;
    this.#continued = true;
    this.res.writeContinue();
  }
}
