import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { backoffMs, doublingMs, limited, startDeadline } from './index.ts';

test('a pause doubles with each failure up to its bound', () => {
  expect([0, 1, 2, 3, 4, 1_000].map((failures) => doublingMs(failures, 100, 500))).toEqual([
    100, 100, 200, 400, 500, 500,
  ]);
});

test('a back-off is between half of the pause and all of it', () => {
  const pauses = Array.from({ length: 200 }, () => backoffMs(2, 100, 500));
  expect([Math.min(...pauses) >= 100, Math.max(...pauses) <= 200, new Set(pauses).size > 100]).toEqual([
    true,
    true,
    true,
  ]);
});

test('a deadline tells the end by its limit from the end by the caller', async () => {
  const clock = createFakeClock();
  const caller = new AbortController();
  const byLimit = startDeadline(clock, 1_000, caller.signal);
  await clock.advance(400);
  expect([byLimit.remainingMs(), byLimit.signal.aborted]).toEqual([600, false]);
  await clock.advance(600);
  expect([byLimit.remainingMs(), byLimit.signal.aborted, byLimit.isCallersEnd()]).toEqual([0, true, false]);
  const byCaller = startDeadline(clock, 1_000, caller.signal);
  caller.abort(new Error('gave up'));
  expect([byCaller.signal.aborted, byCaller.isCallersEnd()]).toEqual([true, true]);
  expect(byCaller.signal.reason).toEqual(new Error('gave up'));
});

test('a deadline that is disposed of leaves no timer and no listener', async () => {
  const clock = createFakeClock();
  const caller = new AbortController();
  const deadline = startDeadline(clock, 1_000, caller.signal);
  deadline.dispose();
  await clock.advance(2_000);
  caller.abort();
  expect(deadline.signal.aborted).toBe(false);
});

test('limited work that ignores its signal is not waited for', async () => {
  const clock = createFakeClock();
  const never = (): Promise<void> => new Promise(() => undefined);
  const ended = limited({ clock, limitMs: 2_000, signal: new AbortController().signal }, never);
  const expected = expect(ended).rejects.toThrow('it took longer than 2s');
  await clock.advance(2_000);
  await expected;
});
