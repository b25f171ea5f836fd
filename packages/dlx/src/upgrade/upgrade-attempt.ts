import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { joinChunks, type ReadChunks } from '../chunks/read-chunks.ts';
import { WrittenChunks } from '../chunks/written-chunks.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { dropNamed } from '../head/connection-fields.ts';
import { Informed, tooMuchSaid } from '../head/informed.ts';
import { readAhead } from '../http1/untaken.ts';
import { dropAnnouncement, readResponseHead, readTrailers, reasonPhrase } from '../head/response-head.ts';
import { ignoreErrors, listen } from '../sockets/guard.ts';
import type { Lane } from '../gate/lane.ts';
import { Waiting } from '../ledger/waiting.ts';
import { causeText, type Outcome } from '../outcome.ts';
import { informationHead, switchedHead } from './response-text.ts';
import { Tunnel } from './tunnel.ts';
import { TunnelAttempt } from './tunnel-attempt.ts';
import type { UpgradeCarrier } from './upgrade-carrier.ts';

const maxHeaderBytes = 65_536;
/** To a request by any other method Node adds an empty body in chunks, unless a length is given. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);
const announcement: ReadonlySet<string> = new Set(['trailer']);

/**
 * One offer to leave HTTP on its way to one endpoint, over a connection of its own. Node's own client, because undici
 * takes an upstream that answers an offer in HTTP for broken.
 */
export class UpgradeAttempt extends TunnelAttempt {
  readonly #carrier: UpgradeCarrier;
  #sent = false;
  /** When that was; monotonic. */
  #sentMs = 0;
  #informed: Informed | undefined;
  #waiting: Waiting | undefined;
  /** Of an answer in HTTP. */
  #read: ReadChunks | undefined;

  constructor(x: Exchange, carrier: UpgradeCarrier, lane: Lane, state: EndpointState) {
    super(x, lane, state);
    this.#carrier = carrier;
  }

  silent(forMs: number): void {
    if (this.done || !this.#sent) return;
    const { responseTimeoutMs, idleTimeoutMs } = this.limits;
    const { answering, socket } = this.#carrier;
    const limitMs = answering ? idleTimeoutMs : responseTimeoutMs;
    if (limitMs === 0 || forMs <= limitMs) return;
    if (socket.writableNeedDrain) socket.destroy();
    else this.#refuse(answering ? 'upstream-idle' : 'upstream-timeout', `was silent for ${Math.round(forMs)} ms`);
  }

  override look(nowMs: number): void {
    if (this.done) return;
    const { socket } = this.#carrier;
    const bytes = socket.writableLength;
    if (bytes === 0 && this.#waiting === undefined) return;
    const ahead = bytes === 0 ? 0 : readAhead + (this.#read?.bytes ?? 0);
    this.#waiting ??= new Waiting(this.x);
    this.#waiting.look({ bytes, ahead, taken: socket.bytesWritten - bytes, end: () => this.#endStalled() }, nowMs);
  }

  #endStalled(): void {
    this.#carrier.socket.destroy();
    this.x.clientGone();
  }

  protected connected(socket: Socket): void {
    // Told by the request, and by 'close'.
    ignoreErrors(socket);
    const { head, path } = this.x;
    const { method, offer } = this.#carrier;
    const headers = [...head.fields, 'connection', 'Upgrade', 'upgrade', offer];
    // Node throws at it in a request without chunks.
    dropNamed(headers, announcement);
    if (!bodiless.has(method) && head.contentLength === undefined) headers.push('content-length', '0');
    const createConnection = (): Socket => socket;
    let req: ClientRequest;
    try {
      req = request({ createConnection, method, path, headers, maxHeaderSize: maxHeaderBytes, setHost: false });
    } catch (error) {
      this.#refuse('bad-request', causeText(error));
      return;
    }
    // Before all else: whatever happens to it from now on, it tells of an error.
    listen(req, 'error', this, this.#failed);
    listen(req, 'information', this, this.#inform);
    listen(req, 'upgrade', this, this.#switch);
    listen(req, 'response', this, this.#respond);
    this.#sent = true;
    this.#sentMs = this.x.core.clock.monotonic();
    this.lane.connected(this.state);
    req.end();
  }

  #inform({ statusCode, statusMessage, rawHeaders }: InformationEvent): void {
    if (this.done) return;
    const { socket } = this.#carrier;
    const fate = (this.#informed ??= new Informed(this.x)).take(rawHeaders, socket.writableNeedDrain);
    if (fate === 'break') this.#refuse('upstream-reset', tooMuchSaid);
    // 100 is an answer to what we do not send.
    if (fate !== 'pass' || statusCode === 100) return;
    socket.write(informationHead(statusCode, statusMessage, rawHeaders), 'latin1');
  }

  /** The upstream goes over. */
  #switch(res: IncomingMessage, upstream: Socket, bytes: Buffer): void {
    if (this.done) return;
    this.lane.answered(this.x, this.state, this.place, this.#sentMs);
    this.done = true;
    const { socket: client } = this.#carrier;
    const early = this.#carrier.release();
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
    this.lane.pump();
  }

  /** The upstream stays with HTTP: its answer is the answer. */
  #respond(upstream: IncomingMessage): void {
    if (this.done) return;
    if (upstream.statusCode === 101) {
      this.#refuse('upstream-reset', 'went over to what it does not name');
      return;
    }
    const { statusCode: status = 0, statusMessage, rawHeaders } = upstream;
    if (status < 200) {
      this.#refuse('upstream-reset', `answered with status ${status}, which is none`);
      return;
    }
    this.lane.answered(this.x, this.state, this.place, this.#sentMs);
    const answer = readResponseHead(rawHeaders);
    dropAnnouncement(answer, this.#carrier.req, status);
    const { fields, nominated } = answer;
    const res = this.#carrier.respond();
    const phrase = reasonPhrase(status, statusMessage);
    if (phrase === undefined) res.writeHead(status, fields);
    else res.writeHead(status, phrase, fields);
    res.flushHeaders();
    const drained = (): void => void upstream.resume();
    const written = new WrittenChunks(res, this, drained);
    this.#read = joinChunks(upstream, this);
    listen(upstream, 'data', this, (chunk: Buffer) => {
      if (!written.write(chunk)) upstream.pause();
    });
    listen(res, 'drain', this, drained);
    listen(upstream, 'error', this, this.#failed);
    listen(upstream, 'end', this, () => {
      if (this.done) return;
      written.flush();
      if (upstream.rawTrailers.length > 0) res.addTrailers(readTrailers(upstream.rawTrailers, nominated));
      res.end();
      this.finish();
      this.x.end('forwarded', status);
    });
    this.lane.pump();
  }

  #failed(error: Error): void {
    if (this.done) return;
    this.state.brokeOff(this.x.core.clock.monotonic(), this.#carrier.answering);
    const heard = (this.socket?.bytesRead ?? 0) > 0;
    if (heard || this.x.repeated || this.#carrier.method !== 'GET') {
      this.#refuse('upstream-reset', causeText(error));
      return;
    }
    this.finish();
    if (!this.lane.repeat(this.x, this.state, error)) {
      this.x.refuse({ outcome: 'upstream-reset', detail: `${this.state.key}: ${causeText(error)}` });
    }
    this.lane.pump();
  }

  #refuse(outcome: Outcome, detail: string): void {
    this.finish();
    this.x.refuse({ outcome, detail: `${this.state.key}: ${detail}` });
    this.lane.pump();
  }
}

interface InformationEvent {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}
