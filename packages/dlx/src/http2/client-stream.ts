import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { WrittenChunks } from '../chunks/chunks.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { isGrpc } from './grpc.ts';
import { fieldBytes, type Head } from '../head/head.ts';
import { bodyAheadOf } from '../ledger/ledger.ts';
import { type Breakable, guard, type Guarded, listen, unlisten } from '../sockets/guard.ts';
import { type RawFields, rawFieldsOf, readStreamHead, type StreamHead } from './stream-head.ts';
import { chunksOf, type StreamChunks } from './streams/stream-chunks.ts';
import { endAnswer, endUpload, letGoOfStream, resetStream } from './streams/stream-end.ts';

/** The connection that a stream is of. */
export interface StreamConnection extends Breakable {
  /** Asks the client to go on elsewhere. */
  leave(): void;
  /** A stream's request sent what made us throw. */
  brokeOn(stream: ClientStream, error: unknown): void;
}

/** A client's stream: its request, and how its answer ends. */
export class ClientStream implements Breakable {
  readonly connection: StreamConnection;
  readonly stream: ServerHttp2Stream;
  readonly request: StreamHead;
  readonly head: Head;
  /** As it is sent upstream. */
  path = '/';
  /** Whether it ended with its head. */
  readonly bodiless: boolean;
  readonly grpc: boolean;
  /** The request's, raw, once they came. */
  trailers: RawFields = { raw: [], sensitive: undefined };
  /** Something of it may be with an upstream. */
  sent = false;
  /** Monotonic; when the caller gives up, by its own word. */
  deadlineMs: number | undefined;
  /** Its caller has given up by now, by its own word. */
  isLate = false;
  /** Names among its fields that must not be compressed. */
  readonly sensitive: RawFields['sensitive'];
  readonly #read: StreamChunks;
  /** The endpoint wants its body. */
  continued = false;
  /** The code of a reset. */
  protected resetCode: number | undefined;
  protected x: Exchange | undefined;

  constructor(
    connection: StreamConnection,
    stream: ServerHttp2Stream,
    { raw, sensitive }: RawFields,
    { bodiless, targetHeader }: { bodiless: boolean; targetHeader: string },
  ) {
    this.connection = connection;
    this.stream = stream;
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

  /** Bytes that the client has sent and that are not read, and those that it has not taken. */
  get waitingBytes(): number {
    return this.#read.bytes + this.stream.writableLength;
  }

  /** Bytes that the client may send at any time of a body that is not whole. */
  get bodyAhead(): number {
    const { bodiless, stream, head } = this;
    return bodiless || stream.readableEnded ? 0 : Math.max(0, bodyAheadOf(head) - this.#read.bytes);
  }

  get answering(): boolean {
    return this.stream.headersSent;
  }

  /** A reset is to carry the upstream's code; gRPC has a meaning for each code. */
  resetWith(code: number): void {
    // These two are taken for an end like any other.
    const quiet = code === constants.NGHTTP2_NO_ERROR || (code === constants.NGHTTP2_CANCEL && !this.grpc);
    this.resetCode = quiet ? constants.NGHTTP2_INTERNAL_ERROR : code;
  }

  /** Ends a call that was not sent although its caller's time is over; false: it is not so. */
  refuseLate(x: Exchange): boolean {
    if (this.sent || !this.isLate) return false;
    const { attempt } = x;
    x.refuse({ outcome: 'wake-timeout', detail: "no endpoint took the call within the caller's own deadline" });
    attempt?.abort();
    return true;
  }

  /** Whether it waits for the endpoint to want its body. */
  get asks(): boolean {
    return this.head.expect !== undefined && !this.continued;
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
    this.x?.keeps(bytes);
  }
}

/** A request's body on its way to the upstream, read no faster than that takes it. */
export class Upload implements Breakable {
  /** Whether some of it was taken from the client. */
  touched = false;
  /** Whether all of it was passed on. */
  ended = false;
  /** Counts what moves. */
  moves = 0;
  readonly #from: ServerHttp2Stream;
  readonly #to: ClientHttp2Stream;
  readonly #written: WrittenChunks;

  readonly #owner: Breakable;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;

  constructor(from: ServerHttp2Stream, to: ClientHttp2Stream, owner: Breakable) {
    this.#owner = owner;
    this.#from = from;
    this.#to = to;
    this.#written = WrittenChunks.to(to, this, this.#drained);
  }

  /** Whether the upstream would take more of it and the client sends none. */
  get waits(): boolean {
    return !this.ended && !this.#from.isPaused();
  }

  start(): void {
    // An earlier try may have seen the end of an empty one.
    if (this.#from.readableEnded) {
      this.#takeEnd();
      return;
    }
    this.#onData = listen(this.#from, 'data', this, this.#take);
    this.#onEnd = listen(this.#from, 'end', this, this.#takeEnd);
    this.#from.resume();
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  /** Passes no more of it on; what was not taken stays. */
  stop(): void {
    this.#written.leave();
    unlisten(this.#from, 'data', this.#onData);
    unlisten(this.#from, 'end', this.#onEnd);
    if (!this.ended) this.#from.pause();
  }

  #take(chunk: Buffer): void {
    this.touched = true;
    this.moves += 1;
    // An upstream that wants no more of it may answer all the same.
    if (!this.#to.writableEnded && !this.#written.write(chunk)) this.#from.pause();
  }

  #drained(): void {
    this.moves += 1;
    this.#from.resume();
  }

  #takeEnd(): void {
    // Node emits 'end' for a stream that the client reset, too: half a body must not look like a whole one.
    if (this.#from.closed) return;
    this.ended = true;
    this.#written.flush();
    endUpload(this.#to);
  }
}
