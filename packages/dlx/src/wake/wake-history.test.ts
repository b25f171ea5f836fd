import { expect, test } from '@jest/globals';
import { WakeHistory } from './wake-metrics.ts';

test('`Retry-After` is the slowest of the last five wakes, rounded up, from 1 to 60 s', () => {
  const history = new WakeHistory();
  const told = [history.retryAfterS];
  for (const tookMs of [20, 8001, 100, 100, 100, 100, 100, 300_000]) {
    history.add(tookMs);
    told.push(history.retryAfterS);
  }
  expect(told).toEqual([5, 1, 9, 9, 9, 9, 9, 1, 60]);
});
