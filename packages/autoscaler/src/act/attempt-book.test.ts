import { describe, expect, test } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { createObserver } from '../observe/metrics.ts';
import { createRing } from '../observe/history.ts';
import { aResource } from '../testing/facts.ts';
import { createAttemptBook } from './attempt-book.ts';

const cooldownMs = 60_000;
const web = aResource();
const asleep = aResource({ phase: 'asleep', replicas: 0 });
const cancelled = { end: 'cancelled', reason: 'cancelled: a request arrived', terminal: false } as const;
const parked = { end: 'parked', reason: 'parked', terminal: false } as const;

function book() {
  const clock = createFakeClock();
  const attempts = createAttemptBook({
    get: () => web,
    ring: createRing(),
    observer: createObserver(createMetrics()),
    settings: { intervalMs: 10_000, cooldownMs },
    clock,
    logger: silentLogger,
  });
  return {
    clock,
    /** A park that ends so. */
    attempt: (result: Parameters<typeof attempts.end>[1]): void => {
      attempts.begin(web, ['idle']);
      attempts.end(web, result);
    },
    /** A tick that sees it like this. */
    see: (resource = web): void => attempts.look([resource], clock.monotonic()),
    /** How often in a row, and for how long it is not tried again. */
    get state() {
      const kept = attempts.all().get('default/web');
      return kept && [kept.count, kept.notBefore.monotonicMs - clock.monotonic()];
    },
    get reason() {
      return attempts.all().get('default/web')?.reason;
    },
  };
}

test('each cancelled park in a row doubles the time until the next', () => {
  const one = book();
  one.attempt(cancelled);
  one.attempt(cancelled);
  expect(one.state).toEqual([2, 2 * cooldownMs]);
});

describe('a park that ends in sleep', () => {
  test('is forgotten with all before it once the sleep has lasted for a cooldown', async () => {
    const one = book();
    one.attempt(cancelled);
    one.attempt(parked);
    await one.clock.advance(cooldownMs);
    one.see(asleep);
    expect(one.state).toBeUndefined();
    one.see();
    expect(one.state).toBeUndefined();
  });

  test('counts as one that was cancelled when the sleep is shorter', async () => {
    const one = book();
    one.attempt(cancelled);
    one.attempt(parked);
    await one.clock.advance(cooldownMs - 1);
    one.see();
    expect(one.state).toEqual([2, 2 * cooldownMs]);
    expect(one.reason).toBe('it was woken less than 1m after it fell asleep');
    one.see();
    expect(one.state).toEqual([2, 2 * cooldownMs]);
  });

  test('does not count by what a tick saw that began before it', async () => {
    const one = book();
    one.attempt(parked);
    one.see();
    expect(one.state).toBeUndefined();
    await one.clock.advance(1);
    one.see(asleep);
    await one.clock.advance(1);
    one.see();
    expect(one.state).toEqual([1, cooldownMs]);
  });
});
