import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { array, assert, asyncProperty, constantFrom, nat, tuple } from 'fast-check';
import { joinChunks } from './chunks.ts';

const owner = {
  broke(error: unknown): void {
    throw error;
  },
};
const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));

test('a reader that pauses and goes on at any time gets each byte once, in order, then the end', async () => {
  const steps = array(tuple(constantFrom('push', 'pause', 'resume', 'turn'), nat(40_000)), { maxLength: 60 });
  await assert(
    asyncProperty(steps, async (todo) => {
      const stream = new Readable({ read() {} });
      const chunks = joinChunks(stream, owner);
      const pushed: Buffer[] = [];
      const got: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => got.push(chunk));
      for (const [step, length] of todo) {
        if (step === 'pause') stream.pause();
        if (step === 'resume') stream.resume();
        if (step === 'turn') await setImmediate();
        if (step !== 'push') continue;
        const chunk = bytes.subarray(0, length);
        pushed.push(chunk);
        stream.push(chunk);
        const waiting = Buffer.concat(pushed).length - Buffer.concat(got).length;
        expect(chunks.bytes).toBe(waiting);
      }
      stream.push(null);
      const ended = new Promise((resolve) => stream.once('end', resolve));
      stream.resume();
      await ended;
      expect(Buffer.concat(got).equals(Buffer.concat(pushed))).toBe(true);
    }),
  );
});

test('what waits is joined, and no more is asked for than the stream takes', () => {
  const stream = new Readable({ read() {}, highWaterMark: 30_000 });
  joinChunks(stream, owner);
  const wanted = Array.from({ length: 40_000 }, () => stream.push(Buffer.from('a')));
  expect(wanted.indexOf(false)).toBe(29_999);
  expect(wanted.slice(29_999)).not.toContain(true);
  const first = stream.read() as Buffer;
  expect(first.length).toBe(40_000);
});
