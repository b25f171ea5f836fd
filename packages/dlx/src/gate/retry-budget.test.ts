import { expect, test } from '@jest/globals';
import { RetryBudget } from './lane.ts';

const taken = (budget: RetryBudget, nowMs: number): number => {
  let count = 0;
  while (budget.take(nowMs)) count += 1;
  return count;
};

test('a quiet resource has ten, and one comes back each second', () => {
  const budget = new RetryBudget();
  expect([taken(budget, 0), taken(budget, 999), taken(budget, 3500), taken(budget, 1e9)]).toEqual([10, 0, 3, 10]);
});

test('one in five of the last 500 requests may be sent once more', () => {
  const budget = new RetryBudget();
  taken(budget, 0);
  for (let i = 0; i < 50; i++) budget.add();
  expect(taken(budget, 0)).toBe(10);
  for (let i = 0; i < 10_000; i++) budget.add();
  expect(taken(budget, 0)).toBe(100);
});
