/** As much of WebSocket and gRPC as one message each way takes. */
import { createHash } from 'node:crypto';

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

interface Frame {
  opcode: number;
  payload: Buffer;
  /** Of the whole frame, in bytes. */
  length: number;
}

/** A frame of less than 126 bytes; from a client with a mask. */
export function frameOf(opcode: number, payload: Buffer, mask?: Buffer): Buffer {
  if (!mask) return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}

/** The first frame in there, if it is complete. */
export function readFrame(bytes: Buffer): Frame | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const isMasked = second >= 0x80;
  const begin = isMasked ? 6 : 2;
  const length = begin + (second & 0x7f);
  if (bytes.length < length) return undefined;
  const mask = isMasked ? bytes.subarray(2, 6) : Buffer.alloc(4);
  const payload = Buffer.from(bytes.subarray(begin, length).map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  return { opcode: first & 0x0f, payload, length };
}

export function grpcMessage(text: string): Buffer {
  const payload = Buffer.from(text);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(payload.length, 1);
  return Buffer.concat([prefix, payload]);
}
