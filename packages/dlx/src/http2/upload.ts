import type { ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';

import { WrittenChunks } from '../chunks/chunks.ts';
import { type Breakable, type Guarded, listen, unlisten } from '../sockets/guard.ts';
import { endUpload } from './streams/stream-end.ts';

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
