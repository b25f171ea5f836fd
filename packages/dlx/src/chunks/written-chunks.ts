import type { Writable } from 'node:stream';
import { type Breakable, guard, type Guarded, listen, unlisten } from '../sockets/guard.ts';
import { GatheredBytes, joinedBytes, singleChunks, smallChunk } from './gathered-bytes.ts';

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
