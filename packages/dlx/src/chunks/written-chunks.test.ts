import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { WrittenChunks } from './written-chunks.ts';

const owner = {
  broke(error: unknown): void {
    throw error;
  },
};

test('of small chunks so many are written until they are taken, then the writer is told', () => {
  const taken: (() => void)[] = [];
  const to = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
  let drained = 0;
  const written = new WrittenChunks(to, owner, () => (drained += 1));
  const goOn = Array.from({ length: 70 }, () => written.write(Buffer.from('a')));
  expect(goOn.indexOf(false)).toBe(63);
  expect(goOn.slice(63)).not.toContain(true);
  for (let i = 0; i < 63; i++) taken.shift()?.();
  expect(drained).toBe(0);
  taken.shift()?.();
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => expect(drained).toBe(1));
});

test('where each is taken at once, none is counted', () => {
  const to = new Writable({ write: (_chunk, _encoding, done) => done() });
  const written = new WrittenChunks(to, owner, () => {});
  expect(Array.from({ length: 1000 }, () => written.write(Buffer.from('a')))).not.toContain(false);
});
