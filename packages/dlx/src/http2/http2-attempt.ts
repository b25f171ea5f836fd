import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { WrittenChunks } from '../chunks/chunks.ts';
import { type ClientStream, Upload } from './client-stream.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { BaseAttempt } from '../exchange/attempt.ts';
import type { Way } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { writeGrpcTimeout } from './grpc.ts';
import { Informed, tooManyInformed } from '../head/informed.ts';
import { tookNothing, Waiting } from '../ledger/stalls.ts';
import { causeText } from '../outcome.ts';
import { listen, listenOnce } from '../sockets/guard.ts';
import { Silence } from '../sockets/silence.ts';
import { addFields, noFields, type RawFields, rawFieldsOf, trailersOf } from './stream-head.ts';
import { chunksOf } from './streams/stream-chunks.ts';
import { dropStream, resetStream } from './streams/stream-end.ts';
import type { SessionUser, UpstreamSession } from './upstream-sessions.ts';

/** The fields of a request as they are sent to an endpoint. */
export function requestFields(client: ClientStream, { wasHeld, core }: Exchange): OutgoingHttpHeaders {
  const { request, head, path, sensitive, deadlineMs } = client;
  const fields = noFields();
  fields[':method'] = request.method;
  fields[':scheme'] = request.scheme;
  fields[':authority'] = head.host;
  fields[':path'] = path;
  addFields(fields, { raw: head.fields, sensitive });
  if (head.takesTrailers) fields.te = 'trailers';
  if (head.expect !== undefined) fields.expect = head.expect;
  // It has waited for some of that time already.
  if (wasHeld && deadlineMs !== undefined) {
    fields['grpc-timeout'] = writeGrpcTimeout(deadlineMs - core.clock.monotonic());
  }
  return fields;
}

/** Bytes that wait keep the reads that they came with, one of each side. */
const readBytes = 131_072;

/** A request's two streams, ours last. */
interface Streams {
  readonly x: Exchange;
  readonly client: ClientStream;
  readonly up: ClientHttp2Stream;
}

/**
 * Counts what one side has sent and the other not taken, for so long now. `refuse` ends the request where it is the endpoint
 * that takes nothing.
 */
export function countWaiting({ x, client, up }: Streams, forMs: number, refuse: () => void): void {
  const bytes = chunksOf(up).bytes + up.writableLength + client.waitingBytes;
  x.buffers((bytes === 0 ? 0 : bytes + readBytes) + client.bodyAhead);
  if (bytes === 0) return;
  const end = (): void => (up.isPaused() ? client.cancel(x) : refuse());
  new Waiting(x).stands({ bytes, end }, forMs);
}

/** Statuses without a body, to which Node adds none whatever it is given. */
const bodilessStatuses = new Set([204, 205, 304]);

/** So long an endpoint that has answered may take to take the rest of the request. */
const lingerMs = 30_000;

/** Node's server sends none beyond. */
const lastStatus = 599;

/** One request on its way to one endpoint and back, as a stream of a session that it shares with others. */
export class Http2Attempt extends BaseAttempt implements SessionUser {
  session: UpstreamSession | undefined;
  readonly #client: ClientStream;
  readonly #silence = new Silence();
  #up: ClientHttp2Stream | undefined;
  #upload: Upload | undefined;
  #written: WrittenChunks | undefined;
  /** Of the answer, once its head was passed on. */
  #status: number | undefined;
  #headOnly = false;
  #trailers: RawFields | undefined;
  #error: Error | undefined;
  #moves = 0;
  #informed: Informed | undefined;

  constructor(x: Exchange, client: ClientStream, way: Way<Exchange>, state: EndpointState) {
    super(x, way, state);
    this.#client = client;
  }

  dispatch(): void {
    this.x.core.sessions.acquire(this.state, this, this.connecting().timeoutMs);
  }

  /** Nothing more is passed on, either way. */
  protected drop(): void {
    this.letGo();
  }

  protected letGo(): void {
    const up = this.#up;
    if (up === undefined) this.x.core.sessions.release(this);
    else if (!chunksOf(up).whole || this.#upload?.ended === false) resetStream(up, constants.NGHTTP2_CANCEL);
    this.#silence.restart();
    this.#upload?.stop();
  }

  ready(session: UpstreamSession): void {
    try {
      const { stream, bodiless } = this.#client;
      // Of a client that left we hear in a moment.
      if (this.done || stream.closed) return;
      let up: ClientHttp2Stream;
      try {
        up = session.request(requestFields(this.#client, this.x), bodiless);
      } catch (error) {
        this.refuse('bad-request', causeText(error));
        return;
      }
      this.#up = up;
      this.#client.sent = true;
      this.#listen(up);
      if (!bodiless) {
        this.#upload = new Upload(stream, up, this);
        this.#upload.start();
      }
      this.sent(!session.served);
    } catch (error) {
      this.broke(error);
    }
  }

  unreachable(error: Error, heard: boolean): void {
    try {
      if (heard) {
        this.refuse('upstream-reset', `does not speak HTTP/2, which the client does: ${causeText(error)}`);
        return;
      }
      this.fail(error, () => {
        if (!this.#client.refuseLate(this.x)) this.way.connectFailed(this.x, this.state, error);
      });
    } catch (second) {
      this.broke(second);
    }
  }

  look(nowMs: number): void {
    try {
      const up = this.#up;
      if (up === undefined) return;
      const moves = this.#moves + (this.#upload?.moves ?? 0);
      const forMs = this.#silence.forMs(moves, nowMs);
      if (this.done) {
        // It has answered, but takes no more of what it was sent, and its stream is one of few.
        if (forMs > lingerMs) resetStream(up, constants.NGHTTP2_CANCEL);
        return;
      }
      const streams = { x: this.x, client: this.#client, up };
      countWaiting(streams, forMs, () => this.refuse('upstream-idle', tookNothing));
      const asks = this.#client.asks && this.#upload?.touched === false;
      const clients = up.isPaused() || (!asks && this.#upload?.waits === true);
      const answering = this.#status !== undefined;
      const limitMs = answering || clients ? this.limits.idleTimeoutMs : this.limits.responseTimeoutMs;
      if (limitMs === 0 || forMs <= limitMs) return;
      if (clients) {
        // It neither sends nor takes.
        resetStream(this.#client.stream, constants.NGHTTP2_CANCEL);
        return;
      }
      // Its packets may be lost: a new connection would show it.
      if (!answering) this.session?.close();
      this.refuse(answering ? 'upstream-idle' : 'upstream-timeout', `was silent for ${Math.round(forMs)} ms`);
    } catch (error) {
      this.broke(error);
    }
  }

  #listen(up: ClientHttp2Stream): void {
    chunksOf(up).owner = this;
    listen(up, 'headers', this, this.#inform);
    listenOnce(up, 'response', this, this.#respond);
    listen(up, 'trailers', this, this.#trail);
    listen(up, 'wantTrailers', this, this.#sendTrailers);
    listen(up, 'end', this, this.#ended);
    listen(up, 'error', this, this.#errored);
    listenOnce(up, 'close', this, this.#closed);
  }

  #trail(fields: IncomingHttpHeaders, _flags: number, raw: readonly string[]): void {
    this.#trailers = rawFieldsOf(fields, raw);
  }

  #sendTrailers(): void {
    this.#up?.sendTrailers(trailersOf(this.#client.trailers));
  }

  #errored(error: Error): void {
    this.#error = error;
  }

  #inform(fields: IncomingHttpHeaders, _flags: number, raw: readonly string[]): void {
    const { stream } = this.#client;
    const status = Number(fields[':status']);
    if (this.done || stream.closed || stream.headersSent) return;
    // Node takes a head without a status, or with a status below 100, for another 1xx.
    if (!(status >= 100 && status < 200)) {
      this.refuse('upstream-reset', badStatus(fields[':status']));
      return;
    }
    const fate = (this.#informed ??= new Informed(this.x)).take(raw, false);
    if (fate === 'break') this.refuse('upstream-reset', tooManyInformed);
    if (status === 100) this.#client.continued = true;
    if (fate !== 'pass') return;
    const info = addFields(noFields(), rawFieldsOf(fields, raw));
    info[':status'] = status;
    stream.additionalHeaders(info);
  }

  #respond(fields: IncomingHttpHeaders, flags: number, raw: readonly string[]): void {
    const { stream, connection } = this.#client;
    if (this.done || stream.closed) return;
    const status = Number(fields[':status']);
    if (!(status >= 200 && status <= lastStatus)) {
      this.refuse('upstream-reset', badStatus(fields[':status']));
      return;
    }
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    this.#headOnly = ended || this.#client.method === 'HEAD' || bodilessStatuses.has(status);
    const { via } = this.x.core.settings;
    const added = via === undefined ? raw : [...raw, 'via', `2 ${via}`];
    const answer = addFields(noFields(), rawFieldsOf(fields, added));
    answer[':status'] = status;
    try {
      stream.respond(answer, { endStream: this.#headOnly, waitForTrailers: !this.#headOnly });
    } catch (error) {
      this.refuse('upstream-reset', causeText(error));
      return;
    }
    this.#begins(status);
    if (this.x.closesConnection()) connection.leave();
    this.#copy();
  }

  #copy(): void {
    const up = this.#up as ClientHttp2Stream;
    const { stream } = this.#client;
    const drained = (): void => {
      this.#moves += 1;
      up.resume();
    };
    const written = (this.#written = WrittenChunks.to(stream, this, drained));
    listen(up, 'data', this, (chunk: Buffer) => {
      this.#moves += 1;
      if (!this.done && !stream.writableEnded && !written.write(chunk)) up.pause();
    });
  }

  /** Nothing more comes from the upstream, but whether that is its answer's end is another question. */
  #ended(): void {
    const client = this.#client;
    const { stream } = client;
    const status = this.#status;
    const up = this.#up as ClientHttp2Stream;
    if (!chunksOf(up).whole) {
      // 'close' follows.
      dropStream(up);
      return;
    }
    if (this.done || status === undefined || stream.closed) return;
    this.#written?.flush();
    this.complete(status);
    if (this.#headOnly) client.letGo();
    else client.end(() => trailersOf(this.#trailers));
  }

  #closed(): void {
    const session = this.session as UpstreamSession;
    this.x.core.sessions.release(this);
    if (this.done) return;
    const { rstCode, id } = this.#up as ClientHttp2Stream;
    const error = this.#error ?? new Error(`reset its stream with code ${rstCode}`);
    const answering = this.#status !== undefined;
    const nowMs = this.x.core.clock.monotonic();
    // A stream without a number was never sent.
    const leaving = id === undefined || id > session.lastStream;
    const { x, way, state } = this;
    this.fail(error, () => {
      if (!answering && (leaving || rstCode === constants.NGHTTP2_REFUSED_STREAM)) {
        // The farewell of a session that served is no failure of the endpoint.
        if (!leaving || !session.served) state.refused(nowMs, false);
        this.#refused(error);
        return;
      }
      // Nor does it that one which served came to its end.
      if (answering || !session.served) state.brokeOff(nowMs, answering);
      const mayRepeat = !answering && this.#upload === undefined && this.mayRepeat(this.#client.method);
      if (mayRepeat && way.repeat(x, state, error)) return;
      if (!session.broken) this.#client.resetWith(rstCode);
      x.refuse({ outcome: 'upstream-reset', detail: `${state.key}: ${causeText(error)}` });
    });
  }

  /** The upstream says that it did nothing with it. */
  #refused(error: Error): void {
    const client = this.#client;
    if (this.#upload?.touched === true) {
      // Its body cannot be sent again by us; that nothing was done with it lets the client do so.
      resetStream(client.stream, constants.NGHTTP2_REFUSED_STREAM);
      this.x.end('upstream-reset', 502, `${this.state.key}: ${causeText(error)}`);
      return;
    }
    client.sent = false;
    if (!client.refuseLate(this.x)) this.way.replay(this.x, this.state, error);
  }

  /** Its head is there. */
  #begins(status: number): void {
    this.#status = status;
    if (this.session !== undefined) this.session.served = true;
    this.answered();
  }
}

function badStatus(status: unknown): string {
  return `answered with status ${String(status)}, which HTTP/2 does not pass on: allowed are 200 to ${lastStatus}`;
}
