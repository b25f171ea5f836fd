import { expect, test } from '@jest/globals';
import { shrink } from './shrink.ts';

const numbers = Array.from({ length: 64 }, (_, i) => i);
const needs = (...wanted: number[]) => {
  const tried: (readonly number[])[] = [];
  const fails = async (candidate: readonly number[]): Promise<boolean> => {
    tried.push(candidate);
    return wanted.every((one) => candidate.includes(one));
  };
  return { tried, fails };
};

test('finds the one step that matters', async () => {
  const { fails } = needs(37);
  expect((await shrink(numbers, fails)).steps).toEqual([37]);
});

test('keeps steps that only matter together, in their order', async () => {
  const { fails } = needs(50, 3, 51);
  expect((await shrink(numbers, fails, { tries: 400 })).steps).toEqual([3, 50, 51]);
});

test('tries only parts of what was given, each shorter than what still fails', async () => {
  const { fails, tried } = needs(3, 60);
  await shrink(numbers, fails, { tries: 400 });
  for (const candidate of tried) {
    expect(candidate.length).toBeLessThan(numbers.length);
    expect([...candidate].sort((a, b) => a - b)).toEqual(candidate);
  }
});

test('ends after so many tries, or when there is no more time, with what it has', async () => {
  const { fails, tried } = needs(1, 9, 33, 60);
  const few = await shrink(numbers, fails, { tries: 5 });
  expect(few.tries).toBe(5);
  expect(tried).toHaveLength(5);
  expect(await fails(few.steps)).toBe(true);
  const none = await shrink(numbers, fails, { mayGoOn: () => false });
  expect(none).toEqual({ steps: numbers, tries: 0 });
});
