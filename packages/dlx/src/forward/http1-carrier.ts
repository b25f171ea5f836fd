import type { ServerResponse } from 'node:http';
import type { Attempt, Carrier } from '../carrier.ts';
import type { Exchange } from '../exchange.ts';
import type { Lane } from '../hold/lane.ts';
import { parseHost } from '../identify/host.ts';
import type { Refusal } from '../outcome.ts';
import { Http1Attempt } from './attempt.ts';
import type { EndpointState } from './endpoint-set.ts';
import { fieldOf, type Head } from './head.ts';
import type { RawMessage } from './raw-message.ts';

/** A request in HTTP/1.0 or 1.1. */
export class Http1Carrier implements Carrier {
  readonly req: RawMessage;
  readonly res: ServerResponse;
  readonly head: Head;
  readonly #expectsContinue: boolean;
  #continued = false;

  /** `expectsContinue`: the client waits for `100 Continue` before it sends its body. */
  constructor(req: RawMessage, res: ServerResponse, expectsContinue: boolean) {
    this.req = req;
    this.res = res;
    this.#expectsContinue = expectsContinue;
    this.head = req.head;
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

  field(name: string): string | undefined {
    return fieldOf(this.req.rawHeaders, name);
  }

  check(x: Exchange): Refusal | undefined {
    const { head, req } = this;
    if (head.hosts > 1) return bad('more than one Host');
    if (head.host === undefined && req.httpVersion !== '1.0') return bad('no Host');
    if (head.host !== undefined && head.host !== '' && parseHost(head.host) === undefined) return bad('not a Host');
    if (head.transferEncoding !== undefined && req.httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
    if (head.transferEncoding !== undefined && head.transferEncoding.trim().toLowerCase() !== 'chunked') {
      return bad(`Transfer-Encoding "${head.transferEncoding}": only chunked is known`, 501);
    }
    if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') {
      return bad(`Expect "${head.expect}": only 100-continue is known`, 417);
    }
    if (head.upgrade !== undefined && /websocket/i.test(head.upgrade)) {
      return bad('Upgrade to WebSocket is not supported', 501);
    }
    if (this.url.startsWith('/')) {
      x.path = this.url;
      return undefined;
    }
    return this.#checkAbsolute(x);
  }

  answer(_x: Exchange, answer: { status: number; fields: string[]; body: Buffer | undefined; last: boolean }): void {
    const { res } = this;
    // A client that was never told to continue may send its body or leave it out: the connection cannot go on.
    if (answer.last || this.#expectsContinue) res.shouldKeepAlive = false;
    res.writeHead(answer.status, answer.fields);
    res.end(answer.body);
  }

  reset(): void {
    this.res.socket?.resetAndDestroy();
  }

  attempt(x: Exchange, lane: Lane, state: EndpointState): Attempt {
    return new Http1Attempt(x, this, lane, state);
  }

  /** The upstream is connected: the client may send its body. */
  continue(): void {
    if (!this.#expectsContinue || this.#continued) return;
    this.#continued = true;
    this.res.writeContinue();
  }

  /** `GET http://host/path`: the authority must be the Host. */
  #checkAbsolute(x: Exchange): Refusal | undefined {
    const match = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(this.url);
    if (match === null) return bad(`cannot forward the request target "${this.url.slice(0, 80)}"`);
    const [, authority = '', rest = ''] = match;
    const named = parseHost(authority);
    const host = parseHost(this.head.host ?? '');
    const same = named?.name === host?.name && (named?.port ?? 80) === (host?.port ?? 80);
    if (named === undefined || host === undefined || !same) {
      return bad('the request target names another host than Host does');
    }
    x.path = rest.startsWith('/') ? rest : `/${rest}`;
    return undefined;
  }
}

function bad(detail: string, status?: number): Refusal {
  return { outcome: 'bad-request', detail, ...(status !== undefined && { status }) };
}
