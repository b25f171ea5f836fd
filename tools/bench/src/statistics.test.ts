import { describe, expect, test } from '@jest/globals';
import { median, percentile } from './statistics.ts';

describe('median', () => {
  test('is the middle one, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test('lies between the two middle ones', () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  test('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  test('is a value that the share does not exceed', () => {
    expect([0, 0.5, 0.99, 1].map((p) => percentile(hundred, p))).toEqual([1, 50, 99, 100]);
  });

  test('of nothing is no number', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});
