import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { GatheredBytes, joinedBytes, singleChunks, smallChunk } from '../chunks/chunks.ts';
import { bodyAheadOf } from '../ledger/ledger.ts';
import type { Untaken } from '../ledger/stalls.ts';
import type { RawMessage } from './raw-message.ts';
import { type Breakable, type Guarded, listen, unlisten } from '../sockets/guard.ts';

/**
 * A request's body as undici is given it. It touches the client's stream only once it is read, that is once the
 * upstream is connected, so a request that was not sent can go elsewhere; and whatever undici does to it, the
 * client's connection stays whole for our answer.
 * See docs/decisions/unread-bodies.md.
 */
export class RequestBody extends Readable implements Breakable {
  readonly #req: IncomingMessage;
  #reading = false;
  /** Whether something was taken from the client: no other try can send it. */
  touched = false;
  readonly #owner: Breakable;
  #onData: Guarded | undefined;
  #onEnd: Guarded | undefined;
  #chunks = 0;
  /** Small chunks that came in the same read: each by itself would cost a write of its own, and a client six bytes. */
  readonly #gathered = new GatheredBytes();

  constructor(req: IncomingMessage, owner: Breakable) {
    super({ highWaterMark: 65_536 });
    this.#req = req;
    this.#owner = owner;
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
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
      // The rest of a body that was begun is thrown away, so that the connection can go on.
      if (this.touched) this.#req.resume();
      else this.#req.pause();
    }
    callback(null);
  }

  /** Passes on what was gathered. */
  flush(): void {
    if (this.#gathered.length === 0) return;
    const all = this.#gathered.take();
    if (!this.destroyed) this.#pass(all);
  }

  #take(chunk: Buffer): void {
    this.touched = true;
    this.#chunks += 1;
    const gathers = this.#gathered.length > 0;
    if (this.#chunks <= singleChunks || (chunk.length >= smallChunk && !gathers)) {
      this.#pass(chunk);
      return;
    }
    // Node runs its ticks between two chunks of one read.
    if (!gathers) setImmediate(flush, this);
    this.#gathered.add(chunk);
    if (this.#gathered.length >= joinedBytes) this.flush();
  }

  #takeEnd(): void {
    this.touched = true;
    this.flush();
    this.push(null);
  }

  #pass(chunk: Buffer): void {
    if (!this.push(chunk)) this.#req.pause();
  }
}

function flush(body: RequestBody): void {
  try {
    body.flush();
  } catch (error) {
    body.broke(error);
  }
}

/** Bytes that are read of an endpoint's answer before it is read no further: three reads, two of them written already. */
export const readAhead = 196_608;

/**
 * Counts what waits of a request in HTTP/1; `paused`: its answer is read no further. `end` gets whether the client is
 * the one that takes nothing.
 */
export function untakenOf(
  {
    req,
    up,
    body,
    paused,
  }: { req: RawMessage; up: Socket | undefined; body: RequestBody | undefined; paused: boolean },
  end: (client: boolean) => void,
): Untaken {
  const down = req.socket.writableLength + (paused ? readAhead : 0);
  const unsent = body === undefined || up === undefined ? 0 : up.writableLength;
  const of = down > 0 || up === undefined ? req.socket : up;
  const taken = of.bytesWritten - of.writableLength;
  const read = body === undefined ? 0 : body.readableLength + req.unreadBytes;
  const bytes = down + unsent + read;
  const ahead = body === undefined || req.complete ? 0 : Math.max(0, bodyAheadOf(req.head) - read);
  return { bytes: down + unsent === 0 ? 0 : bytes, ahead, taken, end: () => end(down > 0) };
}
