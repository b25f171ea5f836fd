import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/**
 * A request's body as undici is given it. It touches the client's stream only once it is read, that is once the
 * upstream is connected, so a request that was not sent can go elsewhere; and whatever undici does to it, the
 * client's connection stays whole for our answer.
 */
export class RequestBody extends Readable {
  readonly #req: IncomingMessage;
  #reading = false;
  #touched = false;

  constructor(req: IncomingMessage) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
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
      this.#req.on('data', this.#onData).on('end', this.#onEnd);
    }
    this.#req.resume();
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.#reading) {
      this.#req.off('data', this.#onData).off('end', this.#onEnd);
      // What is still to come of one that was begun is thrown away, so that the connection can go on.
      if (this.#touched) this.#req.resume();
      else this.#req.pause();
    }
    callback(null);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#touched = true;
    if (!this.push(chunk)) this.#req.pause();
  };

  readonly #onEnd = (): void => {
    this.#touched = true;
    this.push(null);
  };
}
