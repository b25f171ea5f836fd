import {
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  request,
  ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Connection } from '../accept/connection.ts';
import { joinChunks, type ReadChunks, WrittenChunks } from '../chunks/chunks.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Carrier, HttpRequest, OwnAnswer, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { dropNamed, fieldsOf, type Head } from '../head/head.ts';
import { Informed, tooManyInformed } from '../head/informed.ts';
import { dropAnnouncement, readResponseHead, readTrailers, reasonPhrase } from '../head/response-head.ts';
import { checkRequest, type RawMessage, readAhead } from '../http1/raw-message.ts';
import { Waiting } from '../ledger/stalls.ts';
import { causeText, type Refusal } from '../outcome.ts';
import { ignoreErrors, listen, listenOnce } from '../sockets/guard.ts';
import { TunnelAttempt, TunnelCarrier } from './tunnel.ts';

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

const maxHeaderBytes = 65_536;
/** To a request by any other method Node adds an empty body in chunks, unless a length is given. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);
const announcement: ReadonlySet<string> = new Set(['trailer']);

/**
 * One offer to leave HTTP on its way to one endpoint, over a connection of its own. Node's own client, because undici
 * takes an upstream that answers an offer in HTTP for broken.
 */
class UpgradeAttempt extends TunnelAttempt {
  readonly #client: UpgradeCarrier;
  #informed: Informed | undefined;
  #waiting: Waiting | undefined;
  /** Of an answer in HTTP. */
  #read: ReadChunks | undefined;

  constructor(x: Exchange, client: UpgradeCarrier, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  silent(forMs: number): void {
    if (this.done || !this.isSent) return;
    const { responseTimeoutMs, idleTimeoutMs } = this.limits;
    const { answering, socket } = this.#client;
    const limitMs = answering ? idleTimeoutMs : responseTimeoutMs;
    if (limitMs === 0 || forMs <= limitMs) return;
    if (socket.writableNeedDrain) socket.destroy();
    else this.refuse(answering ? 'upstream-idle' : 'upstream-timeout', `was silent for ${Math.round(forMs)} ms`);
  }

  override look(nowMs: number): void {
    if (this.done) return;
    const { socket } = this.#client;
    const bytes = socket.writableLength;
    if (bytes === 0 && this.#waiting === undefined) return;
    const ahead = bytes === 0 ? 0 : readAhead + (this.#read?.bytes ?? 0);
    this.#waiting ??= new Waiting(this.x);
    this.#waiting.look({ bytes, ahead, taken: socket.bytesWritten - bytes, end: () => this.#endStalled() }, nowMs);
  }

  #endStalled(): void {
    this.#client.socket.destroy();
    this.x.clientGone();
  }

  protected connected(socket: Socket): void {
    // The request emits it, too, and 'close' follows.
    ignoreErrors(socket);
    const { method, path, head, offer } = this.#client;
    const headers = [...head.fields, 'connection', 'Upgrade', 'upgrade', offer];
    // Node throws at it in a request without chunks.
    dropNamed(headers, announcement);
    if (!bodiless.has(method) && head.contentLength === undefined) headers.push('content-length', '0');
    const createConnection = (): Socket => socket;
    let req: ClientRequest;
    try {
      req = request({ createConnection, method, path, headers, maxHeaderSize: maxHeaderBytes, setHost: false });
    } catch (error) {
      this.refuse('bad-request', causeText(error));
      return;
    }
    // Before all else: whatever happens to it from now on, it tells of an error.
    listen(req, 'error', this, this.#failed);
    listen(req, 'information', this, this.#inform);
    listen(req, 'upgrade', this, this.#switch);
    listen(req, 'response', this, this.#respond);
    this.sent();
    req.end();
  }

  #inform({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    if (this.done) return;
    const { socket } = this.#client;
    const fate = (this.#informed ??= new Informed(this.x)).take(rawHeaders, socket.writableNeedDrain);
    if (fate === 'break') this.refuse('upstream-reset', tooManyInformed);
    // 100 is an answer to what we do not send.
    if (fate !== 'pass' || statusCode === 100) return;
    socket.write(informationHead(statusCode, statusMessage, rawHeaders), 'latin1');
  }

  /** The upstream goes over. */
  #switch(res: IncomingMessage, upstream: Socket, bytes: Buffer): void {
    if (this.done) return;
    this.answered();
    this.done = true;
    const { socket: client } = this.#client;
    const early = this.#client.release();
    const webSocket = res.headers.upgrade?.trim().toLowerCase() === 'websocket';
    const tunnel = this.join(client, upstream, { webSocket, byReset: false });
    client.write(switchedHead(res), 'latin1');
    tunnel.start(early, bytes);
  }

  /** The upstream stays with HTTP: its answer is the answer. */
  #respond(upstream: IncomingMessage): void {
    if (this.done) return;
    if (upstream.statusCode === 101) {
      this.refuse('upstream-reset', 'answered 101 without naming a protocol');
      return;
    }
    const { statusCode: status = 0, statusMessage, rawHeaders } = upstream;
    if (status < 200) {
      this.refuse('upstream-reset', `answered with status ${status}, which is no final answer`);
      return;
    }
    this.answered();
    const answer = readResponseHead(rawHeaders);
    dropAnnouncement(answer, this.#client.req, status);
    const { fields, nominated } = answer;
    const res = this.#client.respond();
    res.writeHead(status, reasonPhrase(status, statusMessage), fields);
    res.flushHeaders();
    const drained = (): void => void upstream.resume();
    const written = WrittenChunks.to(res, this, drained);
    this.#read = joinChunks(upstream, this);
    listen(upstream, 'data', this, (chunk: Buffer) => {
      if (!written.write(chunk)) upstream.pause();
    });
    listen(upstream, 'error', this, this.#failed);
    listen(upstream, 'end', this, () => {
      if (this.done) return;
      written.flush();
      if (upstream.rawTrailers.length > 0) res.addTrailers(readTrailers(upstream.rawTrailers, nominated));
      res.end();
      this.complete(status);
    });
  }

  #failed(error: Error): void {
    if (this.done) return;
    this.state.brokeOff(this.x.core.clock.monotonic(), this.#client.answering);
    const heard = (this.socket?.bytesRead ?? 0) > 0;
    if (heard || this.x.repeated || this.#client.method !== 'GET') {
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
export class UpgradeCarrier extends TunnelCarrier implements Carrier<Exchange>, HttpRequest {
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

  /** Reads on, so that a client that leaves is noticed. `bytes` came behind the head. */
  watch(bytes: Buffer): void {
    this.hear();
    // It may have been halted for the sake of requests before.
    this.socket.resume();
    if (bytes.length > 0) this.heard(bytes);
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
