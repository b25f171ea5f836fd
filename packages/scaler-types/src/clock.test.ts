import { expect, jest, test } from '@jest/globals';
import { sleepWith, systemClock } from './clock.ts';

test('a sleep ends when its time is over, or rejects with the reason of an abort', async () => {
  await systemClock.sleep(1);
  const stop = new AbortController();
  const asleep = systemClock.sleep(60_000, stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  await expect(systemClock.sleep(0, stop.signal)).rejects.toBe(reason);
});

test('an abort cancels the timer, and a timer that fires leaves no listener', async () => {
  let cancelled = 0;
  let fire: () => void = () => undefined;
  const sleep = sleepWith((_ms, callback) => {
    fire = callback;
    return () => (cancelled += 1);
  });
  const stop = new AbortController();
  const first = sleep(1, stop.signal);
  fire();
  await first;
  const second = sleep(1, stop.signal);
  stop.abort();
  await expect(second).rejects.toThrow();
  expect(cancelled).toBe(1);
});

test('a negative time is now, and a cancelled timer never fires', async () => {
  const fired: string[] = [];
  const cancel = systemClock.after(-5, () => fired.push('cancelled'));
  cancel();
  systemClock.after(-5, () => fired.push('now'));
  await systemClock.sleep(5);
  cancel();
  expect(fired).toEqual(['now']);
});

test('a time beyond what the timers of Node can do is not now', () => {
  jest.useFakeTimers();
  const month = 30 * 24 * 3_600_000;
  const fired: string[] = [];
  systemClock.after(month, () => fired.push('after a month'));
  const cancel = systemClock.after(month, () => fired.push('cancelled'));
  jest.advanceTimersByTime(month - 1);
  cancel();
  expect(fired).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(fired).toEqual(['after a month']);
  jest.useRealTimers();
});
