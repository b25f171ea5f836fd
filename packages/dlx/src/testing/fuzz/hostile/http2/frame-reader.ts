import { preface, types } from './frames.ts';

/** What of a frame is looked at. */
export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const initialWindow = 65_535;

/** Reads frames, and keeps account of what may be sent. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #skip: number;
  #window = initialWindow;
  #initial = initialWindow;
  readonly #windows = new Map<number, number>();

  /** `server`: a preface comes first. */
  constructor({ server }: { server: boolean }) {
    this.#skip = server ? preface.length : 0;
  }

  push(chunk: Buffer): FrameHead[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: FrameHead[] = [];
    for (;;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, this.#rest.length);
        this.#skip -= skipped;
        this.#rest = this.#rest.subarray(skipped);
      }
      if (this.#rest.length < 9) break;
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) break;
      const payload = this.#rest.subarray(9, 9 + length);
      const frame = {
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5) & 0x7fffffff,
        payload,
      };
      this.#rest = this.#rest.subarray(9 + length);
      this.#account(frame);
      frames.push(frame);
    }
    return frames;
  }

  /** How many bytes of DATA may be sent on a stream now. */
  room(stream: number): number {
    return Math.min(this.#window, this.#windows.get(stream) ?? this.#initial);
  }

  sent(stream: number, bytes: number): void {
    this.#window -= bytes;
    this.#windows.set(stream, (this.#windows.get(stream) ?? this.#initial) - bytes);
  }

  #account({ type, flags, stream, payload }: FrameHead): void {
    if (type === types.window && payload.length === 4) {
      const by = payload.readUInt32BE(0) & 0x7fffffff;
      if (stream === 0) this.#window += by;
      else this.#windows.set(stream, (this.#windows.get(stream) ?? this.#initial) + by);
      return;
    }
    if (type !== types.settings || (flags & 1) !== 0) return;
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== 4) continue;
      const change = payload.readUInt32BE(at + 2) - this.#initial;
      this.#initial += change;
      for (const [id, room] of this.#windows) this.#windows.set(id, room + change);
    }
  }
}
