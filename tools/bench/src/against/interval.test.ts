import { describe, expect, test } from '@jest/globals';
import { medianInterval } from './interval.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('the interval of a median', () => {
  // Ranks as in tables of the sign test.
  test.each([
    [6, 1, 6],
    [20, 6, 15],
    [25, 8, 18],
    [40, 14, 27],
  ])('of %i values goes from rank %i to rank %i', (count, low, high) => {
    expect(medianInterval(upTo(count).toReversed())).toEqual({ median: (count + 1) / 2, low, high });
  });

  test('is not moved by one wild value', () => {
    const values = upTo(20);
    values[19] = 1e9;
    expect(medianInterval(values)).toEqual({ median: 10.5, low: 6, high: 15 });
  });

  test('is refused for fewer than 6 values', () => {
    expect(() => medianInterval(upTo(5))).toThrow('5 values give no interval of 95 %: at least 6 are needed');
  });

  test('covers the true median in 95 of 100 samples and more', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let covered = 0;
    for (let i = 0; i < 2_000; i++) {
      const { low, high } = medianInterval(Array.from({ length: 20 }, random));
      if (low <= 0.5 && high >= 0.5) covered += 1;
    }
    expect(covered).toBeGreaterThanOrEqual(0.94 * 2_000);
  });
});
