import { type Breakable, guard, type Guarded } from '../guard.ts';

/** So many may wait, however small they are. */
const mostWaiting = 64;

/** What chunks are written to. */
interface Sink {
  readonly writableLength: number;
  write(chunk: Buffer | string, encoding: BufferEncoding, taken?: (error?: Error | null) => void): boolean;
}

/**
 * Writes chunks to one that may take them slowly. Node counts their bytes alone, up to 64 KiB, and a byte in a chunk of its own
 * takes some 500: here chunks are counted, too.
 */
export class WrittenChunks {
  readonly #to: Sink;
  readonly #taken: Guarded;
  #waiting = 0;

  /** @param drained as upon 'drain', which tells of the same where bytes were too many. */
  constructor(to: Sink, owner: Breakable, drained: () => void) {
    this.#to = to;
    this.#taken = guard(owner, (error?: Error | null) => {
      this.#waiting = 0;
      if (!error) drained.call(owner);
    });
  }

  /** False: no more is to be written until it drains. */
  write(chunk: Buffer | string, encoding: BufferEncoding = 'utf8'): boolean {
    const to = this.#to;
    if (to.writableLength === 0) this.#waiting = 0;
    this.#waiting += 1;
    if (this.#waiting < mostWaiting) return to.write(chunk, encoding);
    // The first that is one too many tells when it is taken, and with it all before.
    to.write(chunk, encoding, this.#waiting === mostWaiting ? this.#taken : undefined);
    return false;
  }
}
