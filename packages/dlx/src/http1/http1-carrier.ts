import type { Socket } from 'node:net';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Attempt, Carrier, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { fieldsOf, hasBody, type Head } from '../head/head.ts';
import { writeInformation } from '../head/informed.ts';
import type { Refusal } from '../outcome.ts';
import { resetSocket } from '../sockets/guard.ts';
import { ExpectAttempt } from './expect-attempt.ts';
import { Http1Attempt } from './http1-attempt.ts';
import type { LoneClient } from './lone-attempt.ts';
import { checkRequest, type RawMessage, type RawResponse } from './raw-message.ts';

/** A request in HTTP/1.0 or 1.1. */
export class Http1Carrier implements Carrier<Exchange>, LoneClient {
  readonly req: RawMessage;
  readonly res: RawResponse;
  readonly head: Head;
  path = '/';
  /** The client waits for `100 Continue` before it sends its body. */
  readonly #expectsContinue: boolean;
  #continued = false;

  /** `expectsContinue`: it says so. */
  constructor(req: RawMessage, res: RawResponse, expectsContinue: boolean) {
    this.req = req;
    this.res = res;
    this.head = req.head;
    this.#expectsContinue = expectsContinue && hasBody(req.head);
  }

  get http(): this {
    return this;
  }

  get method(): string {
    return this.req.method as string;
  }

  get version(): string {
    return this.req.httpVersion;
  }

  get url(): string {
    return this.req.url as string;
  }

  get socket(): Socket {
    return this.req.socket;
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
    // A 204 that could not be begun leaves behind that there is no body, though its length would be told.
    (res as unknown as { _hasBody: boolean })._hasBody = this.method !== 'HEAD';
    res.writeHead(answer.status, answer.fields);
    res.end(this.method === 'HEAD' ? undefined : answer.body);
    // Node throws a body away by itself only if it was never looked at.
    if (!this.req.complete) this.req.resume();
  }

  reset(): void {
    if (this.res.socket !== null) resetSocket(this.res.socket);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): Attempt {
    return this.#expectsContinue ? new ExpectAttempt(x, this, way, state) : new Http1Attempt(x, this, way, state);
  }

  addsToHead(status: number): boolean {
    if (!this.res.shouldKeepAlive || this.req.method === 'HEAD') return true;
    return status === 204 || status === 304 || status === 426;
  }

  respond(): RawResponse {
    // Whether the client sends its body now, or a next request, cannot be known.
    if (!this.#continued) this.res.shouldKeepAlive = false;
    return this.res;
  }

  inform(status: number, _phrase: string, raw: readonly string[], leftOut: (error: unknown) => void): void {
    if (status !== 100) writeInformation(this.res, status, raw, leftOut);
    else if (!this.#continued) {
      this.#continued = true;
      this.res.writeContinue();
    }
  }
}
