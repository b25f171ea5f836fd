import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type Breakable, type Guarded, listen, unlisten } from '../guard.ts';

/**
 * A request's body as undici is given it. It touches the client's stream only once it is read, that is once the
 * upstream is connected, so a request that was not sent can go elsewhere; and whatever undici does to it, the
 * client's connection stays whole for our answer.
 */
export class RequestBody extends Readable implements Breakable {
  readonly #req: IncomingMessage;
  #reading = false;
  #touched = false;
  readonly #owner: Breakable;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;

  constructor(req: IncomingMessage, owner: Breakable) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
    this.#owner = owner;
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  /** Whether something was taken from the client: it cannot be sent by anybody else. */
  get touched(): boolean {
    return this.#touched;
  }

  /** Whether the upstream wants more of it and the client sends none. */
  get waits(): boolean {
    return this.#reading && !this.#req.readableEnded && !this.#req.isPaused();
  }

  override _read(): void {
    if (!this.#reading) {
      this.#reading = true;
      this.#onData = listen(this.#req, 'data', this, this.#take);
      this.#onEnd = listen(this.#req, 'end', this, this.#takeEnd);
    }
    this.#req.resume();
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#reading) {
      unlisten(this.#req, 'data', this.#onData);
      unlisten(this.#req, 'end', this.#onEnd);
      // What is still to come of one that was begun is thrown away, so that the connection can go on.
      if (this.#touched) this.#req.resume();
      else this.#req.pause();
    }
    callback(null);
  }

  #take(chunk: Buffer): void {
    this.#touched = true;
    if (!this.push(chunk)) this.#req.pause();
  }

  #takeEnd(): void {
    this.#touched = true;
    this.push(null);
  }
}
