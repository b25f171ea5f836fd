import { describe, expect, test } from '@jest/globals';
import { compare, comparisonText, type Measured, standingOf } from './verdict.ts';

/** Pairs that differ from each other far more than their two sides do. */
const measured = (now: number, before: number, more: Partial<Measured> = {}): Measured => {
  const noisy = (value: number): number[] => Array.from({ length: 20 }, (_, i) => value * (1 + i));
  return { figure: 'requests per second', unit: 'rps', now: noisy(now), before: noisy(before), ...more };
};

describe('a comparison with another commit', () => {
  test('takes the ratio within each pair', () => {
    expect(compare(measured(98, 100)).interval.low).toBeCloseTo(0.98, 6);
  });

  test('turns the ratio over where less is better', () => {
    expect(compare(measured(50, 100, { lessIsBetter: true })).interval.median).toBeCloseTo(2, 6);
  });

  test.each([
    [{ low: 0.97, median: 1, high: 1.1 }, 'kept'],
    [{ low: 0.969, median: 1, high: 1.1 }, 'open'],
    [{ low: 0.9, median: 0.94, high: 0.969 }, 'slower'],
  ])('with the interval %j is %s', (interval, standing) => {
    expect(standingOf({ ...compare(measured(1, 1)), interval })).toBe(standing);
  });

  test('says that a figure is over its own bound, however good the ratio is', () => {
    const over = compare(measured(1, 2, { lessIsBetter: true, atMost: 10 }));
    expect(over.now).toBe(10.5);
    expect(standingOf(over)).toBe('over');
    expect(comparisonText(over)).toMatch(/OVER 10 rps/);
  });

  test('gives the width of an interval that decides nothing', () => {
    const wide = { ...compare(measured(100, 100)), interval: { low: 0.9, median: 1, high: 1.05 } };
    expect(comparisonText(wide)).toMatch(/1\.000 × \(95 %: 0\.900 – 1\.050, 20 pairs\).*OPEN, 15\.0 % wide/);
  });
});
