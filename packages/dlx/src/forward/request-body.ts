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

  constructor(req: IncomingMessage) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
  }

  /** Whether bytes were, or may have been, taken from the client. */
  get touched(): boolean {
    return this.#reading;
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
      // Nobody else reads it: what is still to come is thrown away, so that the connection can go on.
      this.#req.resume();
    }
    callback(null);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#req.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };
}
