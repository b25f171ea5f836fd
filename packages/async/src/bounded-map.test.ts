import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMap } from './bounded-map.ts';

test('what a namespace keeps drives out its own, never what others keep', () => {
  const kept = new BoundedMap<number>({ mostBytes: 1_000 });
  for (let i = 0; i < 4; i++) kept.set(`quiet ${i}`, i, 'quiet', 50);
  for (let i = 0; i < 10_000; i++) kept.set(`loud ${i}`, i, 'loud', 100);
  expect([0, 1, 2, 3].map((i) => kept.get(`quiet ${i}`))).toEqual([0, 1, 2, 3]);
  expect(kept.get('loud 9999')).toBe(9_999);
  expect(kept.get('loud 0')).toBeUndefined();
});

test('what is asked for stays longer, and what is too large is not kept', () => {
  const kept = new BoundedMap<string>({ mostBytes: 800 });
  kept.set('large', 'x', 'a', 101);
  expect(kept.get('large')).toBeUndefined();
  for (let i = 0; i < 8; i++) kept.set(`${i}`, 'x', 'a', 100);
  expect(kept.get('0')).toBe('x');
  kept.set('new', 'x', 'a', 100);
  expect([kept.get('0'), kept.get('1')]).toEqual(['x', undefined]);
});

test('its bytes are those of what it has, and never more than may be', () => {
  const step = fc.record({
    key: fc.nat(20),
    of: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.nat(300),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const kept = new BoundedMap<number>({ mostBytes: 1_000 });
      for (const { key, of, bytes, gone } of steps) {
        if (gone) kept.delete(`${key}`);
        else kept.set(`${key}`, bytes, of, bytes);
        const all = Array.from({ length: 21 }, (_, i) => kept.get(`${i}`) ?? 0);
        expect(kept.bytes).toBe(all.reduce((sum, one) => sum + one, 0));
        expect(kept.bytes).toBeLessThanOrEqual(1_000);
      }
    }),
  );
});
