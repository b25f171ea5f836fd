import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { joinChunks, type ReadChunks } from '../chunks/read-chunks.ts';
import { WrittenChunks } from '../chunks/written-chunks.ts';
import type { HttpRequest, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { dropNamed } from '../head/connection-fields.ts';
import { Informed, tooManyInformed } from '../head/informed.ts';
import { readAhead } from '../http1/untaken.ts';
import { dropAnnouncement, readResponseHead, readTrailers, reasonPhrase } from '../head/response-head.ts';
import { ignoreErrors, listen } from '../sockets/guard.ts';
import { Waiting } from '../ledger/waiting.ts';
import { causeText } from '../outcome.ts';
import { informationHead, switchedHead } from './response-text.ts';
import { Tunnel } from './tunnel.ts';
import { TunnelAttempt } from './tunnel-attempt.ts';

const maxHeaderBytes = 65_536;
/** To a request by any other method Node adds an empty body in chunks, unless a length is given. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);
const announcement: ReadonlySet<string> = new Set(['trailer']);

/** The client's side of it. */
interface Client extends Pick<HttpRequest, 'method' | 'path' | 'head'> {
  readonly req: IncomingMessage;
  readonly socket: Socket;
  /** The protocols, as they are offered to the upstream. */
  readonly offer: string;
  readonly answering: boolean;
  /** Makes ready for an answer in HTTP, after which the connection ends. */
  respond(): ServerResponse;
  /** The upstream goes over: gives away the socket, at a halt, and what was read from it. */
  release(): Buffer;
}

/**
 * One offer to leave HTTP on its way to one endpoint, over a connection of its own. Node's own client, because undici
 * takes an upstream that answers an offer in HTTP for broken.
 */
export class UpgradeAttempt extends TunnelAttempt {
  readonly #client: Client;
  #informed: Informed | undefined;
  #waiting: Waiting | undefined;
  /** Of an answer in HTTP. */
  #read: ReadChunks | undefined;

  constructor(x: Exchange, client: Client, way: Way<Exchange>, state: EndpointState) {
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
    // Told by the request, and by 'close'.
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
    const { idleTimeoutMs } = this.limits;
    const tunnel = new Tunnel({
      x: this.x,
      client,
      upstream,
      key: this.state.key,
      webSocket,
      byReset: false,
      idleTimeoutMs,
    });
    this.joined = true;
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
    const phrase = reasonPhrase(status, statusMessage);
    if (phrase === undefined) res.writeHead(status, fields);
    else res.writeHead(status, phrase, fields);
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

interface InformationEvent {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}
