import { type Socket } from 'node:net';
import { FrameReader, type FrameHead } from './http2/frame-reader.ts';
import { data, endStream, ack, settingsAck, types, windowUpdate, frame } from './http2/frames.ts';
import type { Bytes, Step } from './step.ts';

/** How a side of HTTP/2 answers by itself what the other side says. */
export interface Manners {
  readonly server: boolean;
  /** Acknowledges SETTINGS and PING. */
  readonly acknowledges: boolean;
  /** Grants anew what DATA has used up. */
  readonly grants: boolean;
}

/** How much text is kept of what it heard. */
const keptText = 4096;

/** One end of a connection: hears, and does steps. */
export class Side {
  readonly socket: Socket;
  heard = 0;
  text = '';
  closed = false;
  /** The other side has ended its half. */
  ended = false;
  readonly frames: FrameReader | undefined;
  readonly #manners: Manners | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #onFrame: ((frame: FrameHead) => void) | undefined;

  constructor(socket: Socket, manners?: Manners, onFrame?: (frame: FrameHead) => void) {
    this.socket = socket;
    this.#manners = manners;
    this.#onFrame = onFrame;
    this.frames = manners === undefined ? undefined : new FrameReader(manners);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#changed();
    });
    socket.on('drain', () => this.#changed());
  }

  /** Takes what came. */
  take(chunk: Buffer): void {
    this.heard += chunk.length;
    this.text = (this.text + chunk.toString('latin1', Math.max(0, chunk.length - keptText))).slice(-keptText);
    for (const one of this.frames?.push(chunk) ?? []) {
      this.#answer(one);
      this.#onFrame?.(one);
    }
    this.#changed();
  }

  /** Does them in order, as far as the connection stands. */
  async do(steps: readonly Step[], stream = 1): Promise<void> {
    for (const step of steps) {
      if (this.closed) return;
      await this.#step(step, stream);
    }
  }

  /** Waits for a condition, at each thing that happens, no longer than the limit. */
  until(condition: () => boolean, limitMs: number): Promise<boolean> {
    if (condition() || this.closed) return Promise.resolve(condition());
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition() || this.closed) done();
      };
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(condition());
      };
      const timer = setTimeout(done, limitMs);
      this.#waiting.add(look);
    });
  }

  async #step(step: Step, stream: number): Promise<void> {
    const { socket } = this;
    switch (step.do) {
      case 'send':
        return this.#send(bytesFor(step.bytes, stream), step.pieces ?? 1);
      case 'flood':
        return this.#flood(bytesFor(step.bytes, stream), step.times, step.limitMs);
      case 'upload':
        return this.#upload(step.stream, step);
      case 'wait':
        await this.until(() => false, step.ms);
        return;
      case 'hear': {
        const mark = this.heard + step.bytes;
        const { text } = step;
        const heard = text === undefined ? () => this.heard >= mark : () => this.text.includes(text);
        await this.until(() => this.ended || heard(), step.limitMs);
        return;
      }
      case 'stop-reading':
        socket.pause();
        return;
      case 'read':
        socket.resume();
        return;
      case 'fin':
        socket.end();
        return;
      case 'reset':
        // Node loses a socket for good that is reset while its FIN is on its way out.
        if (socket.writableEnded && !socket.writableFinished) socket.destroy();
        else socket.resetAndDestroy();
        return;
    }
  }

  async #send(bytes: Buffer, pieces: number): Promise<void> {
    const size = Math.max(1, Math.ceil(bytes.length / pieces));
    for (let at = 0; at < bytes.length; at += size) {
      this.#write(bytes.subarray(at, at + size));
      if (pieces > 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #flood(bytes: Buffer, times: number, limitMs: number): Promise<void> {
    const endsAtMs = performance.now() + limitMs;
    const batch = Math.max(1, Math.min(times, Math.floor(16_384 / Math.max(1, bytes.length))));
    const many = batch === 1 ? bytes : Buffer.concat(Array.from({ length: batch }, () => bytes));
    for (let sent = 0; sent < times && !this.closed; sent += batch) {
      if (performance.now() > endsAtMs) return;
      if (!this.#write(many)) await this.until(() => !this.socket.writableNeedDrain, endsAtMs - performance.now());
      if (this.socket.writableNeedDrain) return;
    }
  }

  async #upload(stream: number, step: { size: number; end: boolean; limitMs: number }): Promise<void> {
    const endsAtMs = performance.now() + step.limitMs;
    const { frames } = this;
    if (frames === undefined) return;
    for (let left = step.size; left > 0 && !this.closed;) {
      const leftMs = endsAtMs - performance.now();
      if (leftMs <= 0) return;
      const room = Math.min(left, frames.room(stream), 16_384);
      if (room <= 0 || this.socket.writableNeedDrain) {
        const may = (): boolean => frames.room(stream) > 0 && !this.socket.writableNeedDrain;
        if (!(await this.until(may, leftMs))) return;
        continue;
      }
      left -= room;
      frames.sent(stream, room);
      this.#write(data(stream, Buffer.alloc(room, 'u'), left === 0 && step.end ? endStream : 0));
    }
  }

  #answer({ type, flags, stream, payload }: FrameHead): void {
    const manners = this.#manners;
    if (manners === undefined || this.closed) return;
    if (manners.acknowledges && (flags & ack) === 0) {
      if (type === types.settings) this.#write(settingsAck);
      if (type === types.ping) this.#write(frame(types.ping, ack, 0, payload));
    }
    if (manners.grants && type === types.data && payload.length > 0) {
      this.#write(Buffer.concat([windowUpdate(0, payload.length), windowUpdate(stream, payload.length)]));
    }
  }

  /** False: more than the other side takes. */
  #write(bytes: Buffer): boolean {
    const { socket } = this;
    return socket.writable && !socket.destroyed ? socket.write(bytes) : true;
  }

  #changed(): void {
    for (const look of this.#waiting) look();
  }
}

function bytesFor(bytes: Bytes, stream: number): Buffer {
  return typeof bytes === 'function' ? bytes(stream) : bytes;
}
