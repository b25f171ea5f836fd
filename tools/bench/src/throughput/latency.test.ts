import { expect, test } from '@jest/globals';
import { compareAdded } from './latency.ts';

test('beside another commit, a ratio is that of what each DLX adds to the app alone, which is never nothing', () => {
  const rounds = Array.from({ length: 20 }, (_, i) => ({
    sides: {
      direct: { p50Ms: 1 + i, p99Ms: 3 },
      now: { p50Ms: 1.25 + i, p99Ms: 2.9 },
      before: { p50Ms: 1.5 + i, p99Ms: 2 },
    },
    disturbance: 0,
  }));
  const p50 = compareAdded('added to p50', rounds, ({ p50Ms }) => p50Ms);
  expect(p50).toMatchObject({ interval: { low: 2, high: 2 }, now: 0.25, before: 0.5 });
  const p99 = compareAdded('added to p99', rounds, ({ p99Ms }) => p99Ms);
  expect(p99).toMatchObject({ interval: { low: 1, high: 1 }, now: 0.01, before: 0.01 });
});
