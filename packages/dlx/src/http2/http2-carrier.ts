import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Carrier } from '../exchange/carrier.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { fieldBytes, fieldOf, fieldsOf, type Head } from '../head/head.ts';
import { type Breakable, guard, listen, listenOnce } from '../sockets/guard.ts';
import { bodyAheadOf } from '../gate/bounds.ts';
import type { Lane } from '../gate/lane.ts';
import type { Refusal } from '../outcome.ts';
import {
  deadlineExceeded,
  grpcMessage,
  grpcStatuses,
  healthCheckPath,
  isGrpc,
  readGrpcTimeout,
  servingMessage,
  unavailable,
} from './grpc.ts';
import { Http2Attempt } from './http2-attempt.ts';
import type { Http2Connection } from './http2-connection.ts';
import { addFields, noFields, type RawFields, rawFieldsOf } from './raw-fields.ts';
import { checkStream } from './stream-check.ts';
import { chunksOf, type StreamChunks } from './streams/stream-chunks.ts';
import { endAnswer, letGoOfStream, resetStream } from './streams/stream-end.ts';
import { readStreamHead, type StreamHead } from './stream-head.ts';

type OwnAnswer = Parameters<Carrier['answer']>[1];

/** A request in HTTP/2: one stream. */
export class Http2Carrier implements Carrier, Breakable {
  readonly connection: Http2Connection;
  readonly stream: ServerHttp2Stream;
  readonly request: StreamHead;
  readonly head: Head;
  /** Whether it ended with its head. */
  readonly bodiless: boolean;
  readonly grpc: boolean;
  /** The request's, raw, once they came. */
  trailers: RawFields = { raw: [], sensitive: undefined };
  /** Something of it may be with an upstream. */
  sent = false;
  /** Monotonic; when the caller gives up, by its own word. */
  deadlineMs: number | undefined;
  /** Names among its fields that must not be compressed. */
  readonly sensitive: RawFields['sensitive'];
  readonly #raw: readonly string[];
  readonly #read: StreamChunks;
  #continued = false;
  #resetCode: number | undefined;
  /** Its caller has given up by now, by its own word. */
  #late = false;
  #x: Exchange | undefined;

  constructor(
    connection: Http2Connection,
    stream: ServerHttp2Stream,
    { raw, sensitive }: RawFields,
    { bodiless, targetHeader }: { bodiless: boolean; targetHeader: string },
  ) {
    this.connection = connection;
    this.stream = stream;
    this.#raw = raw;
    this.sensitive = sensitive;
    this.bodiless = bodiless;
    this.request = readStreamHead(raw, targetHeader);
    this.head = this.request.head;
    this.grpc = isGrpc(this.request.contentType);
    // Nothing but its end says how long the body is.
    if (!bodiless && this.head.contentLength === undefined) this.head.transferEncoding = 'chunked';
    this.#read = chunksOf(stream);
    this.#read.owner = this;
    listen(stream, 'trailers', this, (fields: IncomingHttpHeaders, _flags: number, trailers: readonly string[]) => {
      this.#takeTrailers(rawFieldsOf(fields, trailers));
    });
  }

  broke(error: unknown): void {
    this.connection.brokeOn(this, error);
  }

  get method(): string {
    return this.request.method;
  }

  get url(): string {
    return this.request.path;
  }

  /** What the client has sent and is not read, and what it has not taken. */
  get waitingBytes(): number {
    return this.#read.bytes + this.stream.writableLength;
  }

  /** What the client may send at any time of a body that is not whole. */
  get bodyAhead(): number {
    const { bodiless, stream, head } = this;
    return bodiless || stream.readableEnded ? 0 : Math.max(0, bodyAheadOf(head) - this.#read.bytes);
  }

  get answering(): boolean {
    return this.stream.headersSent;
  }

  fields(names: ReadonlySet<string>): ReadonlyMap<string, string> {
    const { host } = this.head;
    const fields = fieldsOf(this.#raw, names);
    return host === undefined || !names.has('host') ? fields : new Map(fields).set('host', host);
  }

  check(x: Exchange): Refusal | undefined {
    this.#x = x;
    if (this.grpc) this.#watchDeadline(x);
    return checkStream(x, this.request);
  }

  answer(x: Exchange, { status, fields, body, last, refusal }: OwnAnswer): void {
    const { stream } = this;
    if (last && x.core.draining) this.connection.leave();
    if (stream.destroyed || stream.closed) return;
    if (this.grpc) {
      this.#answerGrpc(refusal);
      return;
    }
    stream.respond(own({ ':status': status }, fields), { endStream: body === undefined });
    if (body !== undefined) endAnswer(stream, this, body);
    this.letGo();
  }

  reset(refusal: Refusal): void {
    const { stream } = this;
    // Trailers with an error are gRPC's own way to break off.
    if (this.grpc && this.answering && this.#resetCode === undefined && !stream.writableEnded) {
      this.end(() => own(noFields(), this.#grpcFields(refusal)));
    } else resetStream(stream, this.#resetCode ?? constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** A reset is to say what the upstream's said; gRPC has a meaning for each code. */
  resetWith(code: number): void {
    // These two are taken for an end like any other.
    const quiet = code === constants.NGHTTP2_NO_ERROR || (code === constants.NGHTTP2_CANCEL && !this.grpc);
    this.#resetCode = quiet ? constants.NGHTTP2_INTERNAL_ERROR : code;
  }

  attempt(x: Exchange, lane: Lane, state: EndpointState): Http2Attempt {
    return new Http2Attempt(x, this, lane, state);
  }

  /** Ends a call that was not sent although its caller's time is over; false: it is not so. */
  refuseLate(x: Exchange): boolean {
    if (this.sent || !this.#late) return false;
    const { attempt } = x;
    x.refuse({ outcome: 'wake-timeout', detail: "not taken within the caller's own deadline" });
    attempt?.abort();
    return true;
  }

  /** The upstream takes it: the client may send its body. */
  continue(): void {
    if (this.head.expect === undefined || this.#continued || this.answering) return;
    this.#continued = true;
    this.stream.additionalHeaders({ ':status': 100 });
  }

  /** Ends an answer whose head was sent with the promise of trailers. */
  end(trailers: () => OutgoingHttpHeaders): void {
    const { stream } = this;
    listen(stream, 'wantTrailers', this, () => {
      stream.sendTrailers(trailers());
      // They leave in a turn of their own; a reset before that would take them back.
      setImmediate(guard(this, this.letGo));
    });
    endAnswer(stream, this);
  }

  /** Its client takes nothing: it is treated as one that left. */
  cancel(x: Exchange): void {
    x.clientGone();
    resetStream(this.stream, constants.NGHTTP2_CANCEL);
  }

  /** Its answer is whole: what the client still sends of its body is of no use (RFC 9113 §8.1). */
  letGo(): void {
    if (!this.bodiless) letGoOfStream(this.stream, this);
  }

  #takeTrailers(trailers: RawFields): void {
    this.trailers = trailers;
    let bytes = 0;
    for (const { length } of trailers.raw) bytes += fieldBytes / 2 + length;
    this.#x?.keeps(bytes);
  }

  #answerGrpc(refusal: Refusal | undefined): void {
    const { stream } = this;
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (refusal === undefined && this.url === healthCheckPath) {
      stream.respond(head, { waitForTrailers: true });
      stream.write(servingMessage);
      this.end(() => ({ 'grpc-status': '0' }));
      return;
    }
    const told: Refusal = refusal ?? { outcome: 'not-woken', detail: 'asleep, and not woken by this kind of call' };
    stream.respond(own(head, this.#grpcFields(told)), { endStream: true });
    this.letGo();
  }

  #grpcFields({ outcome, detail }: Refusal): string[] {
    const status = outcome === 'wake-timeout' && this.#late ? deadlineExceeded : grpcStatuses[outcome] || unavailable;
    return ['grpc-status', String(status), 'grpc-message', grpcMessage(`${outcome}: ${detail}`)];
  }

  /** A call whose caller gives up while it waits is not sent any more. */
  #watchDeadline(x: Exchange): void {
    const { clock } = x.core;
    const timeoutMs = readGrpcTimeout(fieldOf(this.#raw, 'grpc-timeout') ?? '');
    if (timeoutMs === undefined) return;
    this.deadlineMs = x.startedMs + timeoutMs;
    const cancel = clock.after(timeoutMs, () => {
      this.#late = true;
      this.refuseLate(x);
    });
    listenOnce(this.stream, 'close', this, cancel);
  }
}

/** Adds fields of our own making. */
function own(to: OutgoingHttpHeaders, fields: readonly string[]): OutgoingHttpHeaders {
  return addFields(to, { raw: fields, sensitive: undefined });
}
