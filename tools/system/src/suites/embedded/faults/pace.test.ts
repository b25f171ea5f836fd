import { expect, test } from '@jest/globals';
import { paceOf, type Start } from './pace.ts';

const start = (namespace: string, startedMs: number, readyMs: number): Start => ({
  ...{ namespace, startedMs, readyMs },
  restoredMs: readyMs,
});

test('starts are at once until the pod is ready, and one that never is stays so', () => {
  const pace = paceOf([
    start('a', 0, 500),
    start('a', 400, 900),
    start('b', 450, Number.NaN),
    start('a', 950, 2_000),
    start('b', 1_500, 2_000),
  ]);
  expect(pace).toEqual({ atOnce: 3, ofOneNamespace: 2, perSecond: 4 });
});
