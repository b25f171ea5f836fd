import { randomBytes } from 'node:crypto';

const closeOpcode = 8;
/** The longest header: two bytes, eight of length, four of mask. */
const headerBytes = 14;

/** Follows the frames that pass in one direction of a WebSocket, by their lengths only (RFC 6455 §5.2). */
export class WebSocketFrames {
  readonly #header = Buffer.alloc(headerBytes);
  #have = 0;
  #left = 0;
  /** Whether a close frame has passed, after which none may come. */
  closed = false;

  /** Whether a frame of ours may come next. */
  get atBoundary(): boolean {
    return this.#have === 0 && this.#left === 0;
  }

  /** Follows a chunk, or as much of it as belongs to the frame that is under way; returns how much that was. */
  pass(chunk: Buffer, untilBoundary = false): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) this.#takeHeader(chunk[at++] as number);
      else {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
      }
      if (untilBoundary && this.atBoundary) break;
    }
    return at;
  }

  #takeHeader(byte: number): void {
    const header = this.#header;
    header[this.#have++] = byte;
    if (this.#have < 2) return;
    const second = header[1] as number;
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (this.#have < 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4)) return;
    this.#have = 0;
    if (lengthBytes === 0) this.#left = short;
    else this.#left = lengthBytes === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    if (((header[0] as number) & 0x0f) === closeOpcode) this.closed = true;
  }
}

/** A close frame that says "going away" (1001); what goes to a server has to be masked. */
export function goingAwayFrame(masked: boolean): Buffer {
  const code = Buffer.from([0x03, 0xe9]);
  if (!masked) return Buffer.from([0x80 | closeOpcode, code.length, ...code]);
  const mask = randomBytes(4);
  const payload = code.map((byte, i) => byte ^ (mask[i] as number));
  return Buffer.from([0x80 | closeOpcode, 0x80 | code.length, ...mask, ...payload]);
}
