import { expect, test } from '@jest/globals';
import { assert, property, uint8Array, array } from 'fast-check';
import { GatheredBytes } from './chunks.ts';

test('whatever is added is taken, in its order, once', () => {
  assert(
    property(array(uint8Array({ maxLength: 900 })), (chunks) => {
      const gathered = new GatheredBytes();
      for (const chunk of chunks) gathered.add(Buffer.from(chunk));
      const all = Buffer.concat(chunks);
      expect(gathered.length).toBe(all.length);
      expect(gathered.peek()).toEqual(all);
      expect(gathered.take()).toEqual(all);
      expect(gathered.length).toBe(0);
    }),
  );
});

test('memory for many chunks is made anew a few times only', () => {
  const gathered = new GatheredBytes();
  const made = new Set<ArrayBufferLike>();
  for (let i = 0; i < 10_000; i++) {
    gathered.add(Buffer.from('a'));
    made.add(gathered.peek().buffer);
  }
  expect(made.size).toBeLessThan(10);
});
