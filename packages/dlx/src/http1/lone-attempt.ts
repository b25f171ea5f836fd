import {
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  request,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { joinChunks, type ReadChunks, WrittenChunks } from '../chunks/chunks.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { HttpRequest, Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { dropNamed } from '../head/head.ts';
import { Informed, leavesOut, tooManyInformed } from '../head/informed.ts';
import { fitFields, readResponseHead, readTrailers, reasonPhrase } from '../head/response-head.ts';
import { Waiting } from '../ledger/stalls.ts';
import { causeText } from '../outcome.ts';
import { ignoreErrors, listen } from '../sockets/guard.ts';
import { TunnelAttempt } from '../upgrade/tunnel.ts';
import { type RawMessage, readAhead } from './raw-message.ts';

/** A client's side of a try by Node's own client. */
export interface LoneClient extends HttpRequest {
  readonly req: RawMessage;
  readonly socket: Socket;
  readonly answering: boolean;
  /** Makes ready for the answer. */
  respond(): ServerResponse;
  /** Passes on a 1xx; `leftOut` gets the error of one that may be left out. */
  inform(status: number, phrase: string, raw: readonly string[], leftOut: (error: unknown) => void): void;
}

const maxHeaderBytes = 65_536;
const announcement: ReadonlySet<string> = new Set(['trailer']);

/**
 * A request on its way to one endpoint over a connection of its own, by Node's own client, because undici does not send what it
 * says: it refuses `Expect`, and takes an endpoint that answers an offer in HTTP for broken.
 */
export abstract class LoneAttempt<C extends LoneClient> extends TunnelAttempt {
  protected readonly client: C;
  /** Of the answer. */
  protected read: ReadChunks | undefined;
  #informed: Informed | undefined;
  #waiting: Waiting | undefined;

  constructor(x: Exchange, client: C, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.client = client;
  }

  silent(forMs: number): void {
    if (this.done || !this.isSent) return;
    const { responseTimeoutMs, idleTimeoutMs } = this.limits;
    const { answering, socket } = this.client;
    const clients = this.waitsForClient();
    const limitMs = answering || clients ? idleTimeoutMs : responseTimeoutMs;
    if (limitMs === 0 || forMs <= limitMs) return;
    if (clients) socket.destroy();
    else this.refuse(answering ? 'upstream-idle' : 'upstream-timeout', `was silent for ${Math.round(forMs)} ms`);
  }

  override look(nowMs: number): void {
    if (this.done) return;
    const bytes = this.client.socket.writableLength + this.unsentBytes();
    if (bytes === 0 && this.#waiting === undefined) return;
    const ahead = bytes === 0 ? 0 : readAhead + (this.read?.bytes ?? 0);
    const taken = this.#taken(this.client.socket) + (this.socket === undefined ? 0 : this.#taken(this.socket));
    this.#waiting ??= new Waiting(this.x);
    this.#waiting.look({ bytes, ahead, taken, end: () => this.#endStalled() }, nowMs);
  }

  /** Fields that the request has beside those that are passed on. */
  protected abstract fields(): string[];
  /** Sends what follows the head. */
  protected abstract send(req: ClientRequest): void;
  /** The endpoint broke off, and nothing is passed on yet. */
  protected abstract brokeOff(error: Error): void;

  /** Whether nothing moves because of the client. */
  protected waitsForClient(): boolean {
    return this.client.socket.writableNeedDrain;
  }

  /** Bytes of the request that wait to be sent. */
  protected unsentBytes(): number {
    return 0;
  }

  protected connected(socket: Socket): void {
    // The request emits it, too, and 'close' follows.
    ignoreErrors(socket);
    const { method, path, head } = this.client;
    const headers = [...head.fields, ...this.fields()];
    // Node throws at it in a request without chunks.
    dropNamed(headers, announcement);
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
    listen(req, 'response', this, this.#respond);
    this.sent();
    this.send(req);
  }

  #taken(socket: Socket): number {
    return socket.bytesWritten - socket.writableLength;
  }

  #endStalled(): void {
    this.client.socket.destroy();
    this.x.clientGone();
  }

  #inform({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    if (this.done) return;
    const { socket, req } = this.client;
    const fate = (this.#informed ??= new Informed(this.x)).take(rawHeaders, socket.writableNeedDrain);
    if (fate === 'break') this.refuse('upstream-reset', tooManyInformed);
    if (fate === 'pass' && req.httpVersion === '1.1') {
      this.client.inform(statusCode, statusMessage, rawHeaders, leavesOut(this.x));
    }
  }

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
    const res = this.client.respond();
    fitFields(answer, { status, to: this.client.req, keepAlive: res.shouldKeepAlive, via: this.x.core.settings.via });
    const { fields, nominated } = answer;
    res.writeHead(status, reasonPhrase(status, statusMessage), fields);
    res.flushHeaders();
    const drained = (): void => void upstream.resume();
    const written = WrittenChunks.to(res, this, drained);
    this.read = joinChunks(upstream, this);
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
    this.state.brokeOff(this.x.core.clock.monotonic(), this.client.answering);
    if ((this.socket?.bytesRead ?? 0) > 0 || this.x.repeated) this.refuse('upstream-reset', causeText(error));
    else this.brokeOff(error);
  }
}
