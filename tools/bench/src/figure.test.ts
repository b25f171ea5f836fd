import { describe, expect, test } from '@jest/globals';
import { boundText, figureOf, isBounded, isWithin, none, rangeText, valueText } from './figure.ts';
import type { Figure } from './scenario.ts';

const figure = (more: Partial<Figure>): Figure => ({ name: 'rate', value: 2, unit: '×', ...more });

test('a figure of several rounds is their median, with the range', () => {
  expect(figureOf('rate', '×', [3, 1, 2], { atLeast: 2 })).toEqual(figure({ min: 1, max: 3, atLeast: 2 }));
});

describe('a bound', () => {
  test('is kept on the bound itself', () => {
    expect([{ atLeast: 2 }, { atMost: 2 }, {}].map((more) => isWithin(figure(more), false))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('is missed beyond', () => {
    expect([{ atLeast: 2.01 }, { atMost: 1.99 }].map((more) => isWithin(figure(more), false))).toEqual([false, false]);
  });

  test('is missed by NaN', () => {
    const broken = figure({ value: Number.NaN });
    expect([{ atLeast: 0 }, { atMost: 9 }].map((more) => isWithin({ ...broken, ...more }, false))).toEqual([
      false,
      false,
    ]);
  });

  test('does not hold in a quick run, which has its own', () => {
    const missed = figure({ atLeast: 3 });
    expect([isWithin(missed, true), isBounded(missed, true)]).toEqual([true, false]);
    expect(isWithin({ ...missed, quickAtLeast: 2.5 }, true)).toBe(false);
    expect(isWithin({ ...missed, quickAtLeast: 1.8 }, true)).toBe(true);
  });

  test('is missed in a quick run when every round misses it, else by the median', () => {
    const rounds = (more: Partial<Figure>): Figure => figure({ min: 1.8, max: 2.2, ...more });
    const judged = (more: Partial<Figure>): boolean[] => [false, true].map((quick) => isWithin(rounds(more), quick));
    expect(judged({ atLeast: 2.1, quickAtLeast: 2.1 })).toEqual([false, true]);
    expect(judged({ atLeast: 2.3, quickAtLeast: 2.3 })).toEqual([false, false]);
    expect(judged({ atMost: 1.9, quickAtMost: 1.9 })).toEqual([false, true]);
    expect(judged({ atMost: 1.7, quickAtMost: 1.7 })).toEqual([false, false]);
  });

  test('holds everywhere for a count that must be 0', () => {
    expect([isWithin(none('failed', 1), false), isWithin(none('failed', 1), true)]).toEqual([false, false]);
  });
});

test('bounds are written as in the tables', () => {
  const texts = [
    { atLeast: 2 },
    { atMost: 3 },
    { atMost: 0 },
    { atLeast: 1, atMost: 1 },
    { atLeast: 1, atMost: 3 },
    {},
  ];
  expect(texts.map((more) => boundText(figure(more), false))).toEqual(['≥ 2 ×', '≤ 3 ×', '0', '1 ×', '1 – 3 ×', '']);
});

test('numbers have three digits', () => {
  expect([12345.6, 123.4, 12.34, 1.234, -0.0123, 7].map((value) => valueText(figure({ value, unit: 'ms' })))).toEqual([
    '12,346 ms',
    '123 ms',
    '12.3 ms',
    '1.23 ms',
    '-0.01 ms',
    '7 ms',
  ]);
  expect(valueText(figure({ value: 3, unit: '' }))).toBe('3');
  expect(valueText(figure({ value: Number.NaN, unit: '' }))).toBe('no number');
  expect([rangeText(figure({})), rangeText(figure({ min: 1, max: 2.5 }))]).toEqual(['', '1 – 2.50']);
});
