import { Readable, type Writable } from 'node:stream';
import { type Breakable, guard, type Guarded, listen, replaceMethod, unlisten } from '../sockets/guard.ts';

const leastBytes = 256;

/** So many are joined into one chunk. */
export const joinedBytes = 16_384;
/** So many chunks go on as they come. */
export const singleChunks = 8;
/** Smaller ones behind those wait for what else has come with them. */
export const smallChunk = 1024;

/** Chunks in one piece of memory: each by itself takes some 200 bytes more than it holds. */
export class GatheredBytes {
  #bytes: Buffer | undefined;
  length = 0;

  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    let bytes = this.#bytes;
    if (bytes === undefined || bytes.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(leastBytes, length, 2 * this.length));
      bytes?.copy(larger, 0, 0, this.length);
      this.#bytes = bytes = larger;
    }
    chunk.copy(bytes, this.length);
    this.length = length;
  }

  /** All of it; it is empty then. */
  take(): Buffer {
    const all = this.peek();
    this.#bytes = undefined;
    this.length = 0;
    return all;
  }

  /** All of it, which stays. */
  peek(): Buffer {
    return this.#bytes?.subarray(0, this.length) ?? Buffer.alloc(0);
  }
}

/** A chunk of so many keeps little more memory than its own, though it is a part of a larger read. */
const largeBytes = 32_768;

/**
 * The chunks that a stream has read and its reader not taken. Node keeps each chunk by itself, with what was read along
 * with it: a byte in a chunk of its own costs up to 200 bytes, or 64 KiB. Here small ones that wait are copied and
 * joined.
 */
export class ReadChunks {
  readonly #stream: Readable;
  readonly #waiting = new GatheredBytes();

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** Bytes that wait, the stream's own included. */
  get bytes(): number {
    return this.#stream.readableLength + this.#waiting.length;
  }

  /** In place of the stream's `push`; false: nothing more is to be read. */
  take(chunk: Buffer | null): boolean {
    const stream = this.#stream;
    const waiting = this.#waiting;
    if (chunk === null) {
      this.#flush();
      return this.#pass(null);
    }
    if (waiting.length === 0 && stream.readableFlowing === true && stream.readableLength === 0)
      return this.#pass(chunk);
    if (chunk.length >= largeBytes) {
      this.#flush();
      return this.#pass(chunk);
    }
    waiting.add(chunk);
    if (waiting.length >= joinedBytes) return this.#flush();
    return this.bytes < stream.readableHighWaterMark;
  }

  /** In place of the stream's `read`: what waits here comes with what waits there. */
  read(size?: number): Buffer | null {
    this.#flush();
    return Readable.prototype.read.call(this.#stream, size) as Buffer | null;
  }

  #flush(): boolean {
    return this.#waiting.length === 0 || this.#pass(this.#waiting.take());
  }

  #pass(chunk: Buffer | null): boolean {
    return Readable.prototype.push.call(this.#stream, chunk);
  }
}

/** Has a stream of Node's own join what it has read. `owner` ends where its reader throws. */
export function joinChunks(stream: Readable, owner: Breakable): ReadChunks {
  const chunks = new ReadChunks(stream);
  replaceMethod(stream, 'push', { owner, method: (chunk: Buffer | null) => chunks.take(chunk), otherwise: false });
  replaceMethod(stream, 'read', { owner, method: (size?: number) => chunks.read(size), otherwise: null });
  return chunks;
}

/** So many may wait, however small they are. */
const mostWaiting = 64;

/** A sink that chunks are written to. */
interface Sink {
  readonly writableLength: number;
  readonly writableNeedDrain?: boolean;
  write(chunk: Buffer | string, encoding: BufferEncoding, taken?: (error?: Error | null) => void): boolean;
}

/**
 * Writes chunks to one that may take them slowly. Node counts their bytes alone, up to 64 KiB, and a byte in a chunk of
 * its own takes some 500, and a write of its own: here small ones are joined, and chunks are counted, too.
 */
export class WrittenChunks {
  readonly #to: Sink;
  readonly #taken: Guarded;
  readonly #flush: Guarded;
  readonly #joined = new GatheredBytes();
  #waiting = 0;
  #onDrain: Guarded | undefined;
  #stream: Writable | undefined;

  /** @param drained as upon 'drain', which means the same where bytes were too many. */
  constructor(to: Sink, owner: Breakable, drained: () => void) {
    this.#to = to;
    this.#taken = guard(owner, (error?: Error | null) => {
      this.#waiting = 0;
      if (!error) drained.call(owner);
    });
    this.#flush = guard(owner, () => void this.flush());
  }

  /** Writes to a stream, and hears its 'drain' until {@link leave}: `drained` is called upon either. */
  static to(stream: Writable, owner: Breakable, drained: () => void): WrittenChunks {
    const written = new WrittenChunks(stream, owner, drained);
    written.#stream = stream;
    written.#onDrain = listen(stream, 'drain', owner, drained);
    return written;
  }

  /** Hears nothing more of its stream. */
  leave(): void {
    if (this.#stream !== undefined) unlisten(this.#stream, 'drain', this.#onDrain);
  }

  /** False: no more is to be written until it drains. */
  write(chunk: Buffer): boolean {
    if (this.#joined.length === 0) {
      if (this.#to.writableLength === 0) this.#waiting = 0;
      if (this.#waiting < singleChunks || chunk.length >= smallChunk) return this.pass(chunk);
      process.nextTick(this.#flush);
    }
    this.#joined.add(chunk);
    if (this.#joined.length >= joinedBytes) return this.flush();
    return this.#waiting < mostWaiting && this.#to.writableNeedDrain !== true;
  }

  /** Writes what waits to be joined with more; the end comes after that. */
  flush(): boolean {
    return this.#joined.length === 0 || this.pass(this.#joined.take());
  }

  /** Writes a chunk by itself. */
  pass(chunk: Buffer | string, encoding: BufferEncoding = 'utf8'): boolean {
    if (this.#to.writableLength === 0) this.#waiting = 0;
    this.#waiting += 1;
    if (this.#waiting < mostWaiting) return this.#to.write(chunk, encoding);
    // The first chunk that is one too many calls back when it is taken, and with it all before.
    this.#to.write(chunk, encoding, this.#waiting === mostWaiting ? this.#taken : undefined);
    return false;
  }
}
