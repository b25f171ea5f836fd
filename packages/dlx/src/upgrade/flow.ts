import type { Socket } from 'node:net';
import { WrittenChunks } from '../chunks/written-chunks.ts';
import { type Breakable, type Guarded, listen, unlisten } from '../sockets/guard.ts';
import { goingAwayFrame, WebSocketFrames } from './web-socket-frames.ts';

export interface FlowOptions {
  /** Ends if one of the two sends what makes this throw. */
  readonly owner: Breakable;
  readonly from: Socket;
  readonly to: Socket;
  /** Undefined: it is no WebSocket. */
  readonly webSocket: { readonly towards: 'client' | 'server' } | undefined;
}

/** One direction of a tunnel: what comes from one socket goes to the other, no faster than that one takes it. */
export class Flow implements Breakable {
  readonly #owner: Breakable;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #written: WrittenChunks;
  readonly #frames: WebSocketFrames | undefined;
  readonly #masked: boolean;
  #leaving = false;
  #ended = false;
  #onData: Guarded | undefined;

  constructor({ owner, from, to, webSocket }: FlowOptions) {
    this.#owner = owner;
    this.#from = from;
    this.#to = to;
    this.#written = WrittenChunks.to(to, this, this.#drained);
    this.#frames = webSocket === undefined ? undefined : new WebSocketFrames();
    this.#masked = webSocket?.towards === 'server';
  }

  /** `first` was read already. */
  start(first: Buffer): void {
    const from = this.#from;
    if (first.length > 0) this.#take(first);
    this.#onData = listen(from, 'data', this, this.#take);
    listen(from, 'end', this, this.#end);
    if (from.readableEnded) this.#end();
    else if (!this.#to.writableNeedDrain) from.resume();
  }

  /**
   * Ends it from our side, with a word of farewell where the protocol has one and as soon as it may be said; what still
   * comes is thrown away.
   */
  leave(): void {
    if (this.#ended || this.#leaving) return;
    this.#leaving = true;
    if (this.#frames?.atBoundary !== false) this.#sayGoodbye();
  }

  broke(error: unknown): void {
    this.#owner.broke(error);
  }

  #take(chunk: Buffer): void {
    const passed = this.#frames?.pass(chunk, this.#leaving) ?? chunk.length;
    if (!this.#written.write(passed === chunk.length ? chunk : chunk.subarray(0, passed))) this.#from.pause();
    if (this.#leaving && this.#frames?.atBoundary === true) this.#sayGoodbye();
  }

  #drained(): void {
    this.#from.resume();
  }

  #sayGoodbye(): void {
    this.#written.flush();
    if (this.#frames?.closed === false) this.#to.write(goingAwayFrame(this.#masked));
    this.#end();
    unlisten(this.#from, 'data', this.#onData);
    this.#from.resume();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#written.flush();
    this.#to.end();
  }
}
