import { expect, test } from '@jest/globals';
import { goingAwayFrame, WebSocketFrames } from './web-socket-frames.ts';

const frame = (opcode: number, length: number, masked = false): Buffer => {
  const lengthBytes = Buffer.alloc(length > 0xffff ? 8 : length > 125 ? 2 : 0);
  if (lengthBytes.length === 8) lengthBytes.writeBigUInt64BE(BigInt(length));
  else if (lengthBytes.length === 2) lengthBytes.writeUInt16BE(length);
  const short = lengthBytes.length === 8 ? 127 : lengthBytes.length === 2 ? 126 : length;
  const head = Buffer.from([
    0x80 | opcode,
    (masked ? 0x80 : 0) | short,
    ...lengthBytes,
    ...(masked ? [1, 2, 3, 4] : []),
  ]);
  return Buffer.concat([head, Buffer.alloc(length, 0x88)]);
};

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536];

test.each([1, 2, 3, 7, 1000, 1_000_000])('boundaries are found in pieces of %i bytes', (size) => {
  const all = lengths.flatMap((length) => [frame(1, length), frame(2, length, true)]);
  const ends = new Set(all.map((_, i) => all.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0)));
  const bytes = Buffer.concat(all);
  const frames = new WebSocketFrames();
  for (let at = 0; at < bytes.length; at += size) {
    frames.pass(bytes.subarray(at, at + size));
    const now = Math.min(bytes.length, at + size);
    if (frames.atBoundary !== ends.has(now)) throw new Error(`wrong at ${now}`);
  }
  expect([frames.atBoundary, frames.closed]).toEqual([true, false]);
});

test('no more is taken than belongs to the frame that is under way, if so wanted', () => {
  const frames = new WebSocketFrames();
  const [first, second] = [frame(2, 300), frame(1, 10)];
  frames.pass(first.subarray(0, 3));
  expect(frames.pass(Buffer.concat([first.subarray(3), second]), true)).toBe(first.length - 3);
  expect(frames.atBoundary).toBe(true);
  expect(frames.pass(second.subarray(0, 5), true)).toBe(5);
  expect(frames.atBoundary).toBe(false);
});

test('a close frame is noticed, and ours is one, masked for a server', () => {
  for (const masked of [false, true]) {
    const bytes = goingAwayFrame(masked);
    const frames = new WebSocketFrames();
    frames.pass(bytes);
    expect([frames.closed, frames.atBoundary]).toEqual([true, true]);
    const payload = bytes.subarray(masked ? 6 : 2).map((byte, i) => (masked ? byte ^ (bytes[2 + i] as number) : byte));
    expect([bytes[1], Buffer.from(payload).readUInt16BE()]).toEqual([masked ? 0x82 : 2, 1001]);
  }
});
