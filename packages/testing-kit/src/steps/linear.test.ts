import { afterAll, describe, expect, test } from '@jest/globals';
import { costProblems } from './linear.ts';
import { startStepCounter } from './steps.ts';

const counter = startStepCounter();
afterAll(() => counter.stop());

const letters = (size: number): string[] => Array.from({ length: size }, (_, i) => `${i}`);
const problemsOf = (of: (size: number) => () => unknown) =>
  costProblems(counter, { of, sizes: [500, 1_000, 2_000], largest: { size: 4_000, steps: 100_000 } });

describe('work that grows with the square of its input is found', () => {
  test.each<[string, (size: number) => () => unknown]>([
    ['a search in a search', (size) => () => letters(size).find((a, i, all) => all.findIndex((b) => a === b) !== i)],
    [
      'a list that is gone through for each item',
      (size) => () => letters(size).filter((a, _, all) => !all.includes(`-${a}`)),
    ],
    [
      'a list that is copied for each item',
      (size) => () => letters(size / 4).reduce<string[]>((all, a) => [...all, a], []),
    ],
    [
      'a loop in a loop',
      (size) => () => {
        let sum = 0;
        for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) sum += j;
        return sum;
      },
    ],
    [
      'a text that is cut for each item',
      (size) => () => {
        for (let rest = 'a'.repeat(size); rest !== ''; rest = rest.slice(1)) rest.indexOf('b');
      },
    ],
    ['digits', (size) => () => BigInt('9'.repeat(size))],
  ])('%s', (_, of) => expect(problemsOf(of)[0]).toMatch(/: [34]\.\d times$/));
});

test('work that goes through its input once is not', () => {
  expect(
    problemsOf(
      (size) => () =>
        letters(size)
          .map((a) => a.trim())
          .join(),
    ),
  ).toEqual([]);
  expect(problemsOf((size) => () => new Map(letters(size).map((a) => [a, a])))).toEqual([]);
});

test('work that takes too much for its largest input is', () => {
  const of = (size: number) => () => {
    for (let i = 0; i < 100 * size; i++);
  };
  expect(problemsOf(of)).toEqual([expect.stringMatching(/^4000 takes 40\d{4} steps, at most 100000 are allowed$/)]);
});

test('the same work has the same count', () => {
  const work = (): unknown => letters(1_000).map((a) => a.length);
  const counts = Array.from({ length: 5 }, () => counter.count(work));
  expect(new Set(counts).size).toBe(1);
});
