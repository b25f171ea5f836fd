import { Readable } from 'node:stream';
import { type Breakable, replaceMethod } from '../sockets/guard.ts';
import { GatheredBytes, joinedBytes } from './gathered-bytes.ts';

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
