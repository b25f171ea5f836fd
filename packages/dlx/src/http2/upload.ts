import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';

/** A request's body on its way to the upstream, read no faster than that takes it. */
export class Upload {
  /** Whether some of it was taken from the client. */
  touched = false;
  /** Whether all of it was passed on. */
  ended = false;
  /** Counts what moves. */
  moves = 0;
  readonly #from: ServerHttp2Stream;
  readonly #to: ClientHttp2Stream;

  constructor(from: ServerHttp2Stream, to: ClientHttp2Stream) {
    this.#from = from;
    this.#to = to;
  }

  /** Whether the upstream would take more of it and the client sends none. */
  get waits(): boolean {
    return !this.ended && !this.#from.isPaused();
  }

  start(): void {
    this.#to.on('drain', this.#onDrain);
    // An earlier try may have seen the end of an empty one.
    if (this.#from.readableEnded) this.#onEnd();
    else this.#from.on('data', this.#onData).on('end', this.#onEnd).resume();
  }

  /** Passes no more of it on; what was not taken stays. */
  stop(): void {
    this.#to.off('drain', this.#onDrain);
    this.#from.off('data', this.#onData).off('end', this.#onEnd);
    if (!this.ended) this.#from.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.touched = true;
    this.moves += 1;
    // An upstream that wants no more of it may answer all the same.
    if (!this.#to.writableEnded && !this.#to.write(chunk)) this.#from.pause();
  };

  readonly #onDrain = (): void => {
    this.moves += 1;
    this.#from.resume();
  };

  readonly #onEnd = (): void => {
    // Told of a stream that the client reset, too: half a body must not look like a whole one.
    if (this.#from.closed) return;
    this.ended = true;
    this.#to.end();
  };
}
