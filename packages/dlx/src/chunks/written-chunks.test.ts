import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { WrittenChunks } from './chunks.ts';

const owner = {
  broke(error: unknown): void {
    throw error;
  },
};

test('of chunks that are not small so many are written until they are taken, then the writer waits', async () => {
  const taken: (() => void)[] = [];
  const to = new Writable({ highWaterMark: 2 ** 20, write: (_chunk, _encoding, done) => void taken.push(done) });
  let drained = 0;
  const written = new WrittenChunks(to, owner, () => (drained += 1));
  const goOn = Array.from({ length: 70 }, () => written.write(Buffer.alloc(2000)));
  expect(goOn.indexOf(false)).toBe(63);
  expect(goOn.slice(63)).not.toContain(true);
  for (let i = 0; i < 63; i++) taken.shift()?.();
  await setImmediate();
  expect(drained).toBe(0);
  taken.shift()?.();
  await setImmediate();
  expect(drained).toBe(1);
});

test('small ones behind some that wait are joined, in their order, and go on in the same turn', async () => {
  const came: string[] = [];
  const taken: (() => void)[] = [];
  const to = new Writable({ write: (chunk, _encoding, done) => void (came.push(String(chunk)), taken.push(done)) });
  const written = new WrittenChunks(to, owner, () => {});
  const all = Array.from({ length: 5000 }, (_, i) => String(i % 10));
  for (const one of all) written.write(Buffer.from(one));
  await setImmediate();
  while (taken.length > 0) taken.shift()?.();
  expect(came).toHaveLength(9);
  expect(came.join('')).toBe(all.join(''));
});

test('byte by byte, each in a turn of its own, no more than so many wait', async () => {
  const to = new Writable({ write() {} });
  const written = new WrittenChunks(to, owner, () => {});
  let goOn = 0;
  while (written.write(Buffer.from('a'))) {
    goOn += 1;
    await setImmediate();
    if (goOn > 1000) break;
  }
  expect(goOn).toBeLessThan(100);
});

test('where each is taken at once, none is counted', () => {
  const to = new Writable({ write: (_chunk, _encoding, done) => done() });
  const written = new WrittenChunks(to, owner, () => {});
  expect(Array.from({ length: 1000 }, () => written.write(Buffer.from('a')))).not.toContain(false);
});
