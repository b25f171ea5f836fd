import { type ClientRequest, type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from '../accept/connection.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Carrier, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { fieldsOf, type Head } from '../head/head.ts';
import { readResponseHead, reasonPhrase } from '../head/response-head.ts';
import { LoneAttempt, type LoneClient } from '../http1/lone-attempt.ts';
import { checkRequest, type RawMessage } from '../http1/raw-message.ts';
import { causeText, type Refusal } from '../outcome.ts';
import { listen, listenOnce } from '../sockets/guard.ts';
import { TunnelCarrier } from './tunnel.ts';

/** The head of a `101 Switching Protocols`, as it is passed on; the fields of the connection are made anew. */
export function switchedHead({ statusMessage, rawHeaders, headers }: IncomingMessage): string {
  return head(101, statusMessage, rawHeaders, ['connection: Upgrade', `upgrade: ${headers.upgrade}`]);
}

/** The head of another 1xx, as it is passed on. */
export function informationHead(status: number, phrase: string, rawHeaders: readonly string[]): string {
  return head(status, phrase, rawHeaders, []);
}

function head(status: number, phrase: string | undefined, raw: readonly string[], added: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${reasonPhrase(status, phrase) ?? STATUS_CODES[status] ?? ''}`, ...added];
  const { fields } = readResponseHead(raw);
  for (let i = 0; i < fields.length; i += 2) {
    // It has no body, whatever it says.
    if ((fields[i] as string).toLowerCase() !== 'content-length') lines.push(`${fields[i]}: ${fields[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** To a request by any other method Node adds an empty body in chunks, unless a length is given. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/** One offer to leave HTTP on its way to one endpoint. */
class UpgradeAttempt extends LoneAttempt<UpgradeCarrier> {
  protected fields(): string[] {
    const { method, head, offer } = this.client;
    const length = !bodiless.has(method) && head.contentLength === undefined ? ['content-length', '0'] : [];
    return ['connection', 'Upgrade', 'upgrade', offer, ...length];
  }

  protected send(req: ClientRequest): void {
    listen(req, 'upgrade', this, this.#switch);
    req.end();
  }

  /** The upstream goes over. */
  #switch(res: IncomingMessage, upstream: Socket, bytes: Buffer): void {
    if (this.done) return;
    this.answered();
    this.done = true;
    const { socket: client } = this.client;
    const early = this.client.release();
    const webSocket = res.headers.upgrade?.trim().toLowerCase() === 'websocket';
    const tunnel = this.join(client, upstream, { webSocket, byReset: false });
    client.write(switchedHead(res), 'latin1');
    tunnel.start(early, bytes);
  }

  protected brokeOff(error: Error): void {
    if (this.client.method !== 'GET') {
      this.refuse('upstream-reset', causeText(error));
      return;
    }
    this.fail(error, () => {
      if (this.way.repeat(this.x, this.state, error)) return;
      this.x.refuse({ outcome: 'upstream-reset', detail: `${this.state.key}: ${causeText(error)}` });
    });
  }
}

/** A request that asks to leave HTTP, on a connection that Node has let go of. */
export class UpgradeCarrier extends TunnelCarrier implements Carrier<Exchange>, LoneClient {
  readonly req: RawMessage;
  readonly head: Head;
  path = '/';
  /** The protocols, as they are offered to the upstream. */
  readonly offer: string;
  /** For an answer in HTTP. */
  readonly res: ServerResponse;
  readonly #connection: Connection;
  #responding = false;
  #switched = false;

  constructor(req: RawMessage, connection: Connection, offer: string) {
    super(connection.socket, connection);
    this.#connection = connection;
    this.req = req;
    this.head = req.head;
    this.offer = offer;
    this.res = new ServerResponse(req);
    // Bytes that it sent early must not be read as a next request.
    this.res.shouldKeepAlive = false;
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

  get answering(): boolean {
    return this.#switched || this.res.headersSent;
  }

  fields(names: ReadonlySet<string>): ReadonlyMap<string, string> {
    return fieldsOf(this.req.rawHeaders, names);
  }

  check(x: Exchange): Refusal | undefined {
    this.begun(x);
    return checkRequest(this, x.core.accounting.bounds, this.req);
  }

  answer({ status, fields, body }: OwnAnswer): void {
    this.respond()
      .writeHead(status, fields)
      .end(this.method === 'HEAD' ? undefined : body);
  }

  attempt(x: Exchange, way: Way<Exchange>, state: EndpointState): UpgradeAttempt {
    return new UpgradeAttempt(x, this, way, state);
  }

  inform(status: number, phrase: string, raw: readonly string[]): void {
    this.socket.write(informationHead(status, phrase, raw), 'latin1');
  }

  /** Makes ready for an answer in HTTP, after which the connection ends. */
  respond(): ServerResponse {
    const { res, socket } = this;
    // An answer that could not be begun is followed by one of our own.
    if (this.#responding) return res;
    this.#responding = true;
    this.early.take();
    this.stopHearing();
    socket.resume();
    const onDrain = listen(socket, 'drain', this, () => void res.emit('drain'));
    res.assignSocket(socket);
    listenOnce(res, 'finish', this, () => {
      res.detachSocket(socket);
      socket.off('drain', onDrain);
      this.#connection.linger();
    });
    return res;
  }

  /** The upstream goes over: gives away the socket, at a halt, and what was read from it. */
  release(): Buffer {
    this.#switched = true;
    return this.giveAway();
  }

  /** As in HTTP: a client that no longer listens has left. */
  protected heardAll(): void {
    if (!this.res.writableEnded) this.socket.destroy();
  }
}
