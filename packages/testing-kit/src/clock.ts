import { setImmediate as turn } from 'node:timers/promises';
import { type CancelTimer, type Clock, sleepWith } from '@scaler/scaler-types';
import { TestingKitError } from './errors.ts';

/** A timer that has not fired yet. */
export interface PendingTimer {
  /** When it fires, on the clock's `now()` scale, in milliseconds. */
  readonly dueAtMs: number;
}

/** A {@link Clock} that moves only by `advance`. */
export interface FakeClock extends Clock {
  /**
   * Moves time forward by `ms` and runs every timer that falls due, in order of due time and then of creation, each
   * at its own time. Before the first, between two and after the last, promise jobs and one turn of the event loop
   * run, so that code which was waiting gets to set its next timer. Network answers are not waited for.
   *
   * @throws what a timer's callback throws. @throws TestingKitError `clock-busy` if `advance` is already running.
   */
  advance(ms: number): Promise<void>;
  /** Timers that wait, soonest first. */
  readonly pending: readonly PendingTimer[];
}

interface Timer extends PendingTimer {
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Creates a clock that stands still at `startMs` (Unix epoch milliseconds; default 2026-01-01T00:00:00Z) until it is
 * advanced. `monotonic()` starts at 0.
 */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let nowMs = startMs;
  let created = 0;
  let advancing = false;

  const sorted = (): Timer[] => [...timers].sort((a, b) => a.dueAtMs - b.dueAtMs || a.order - b.order);

  const after = (ms: number, callback: () => void): CancelTimer => {
    const timer = { dueAtMs: nowMs + Math.max(0, ms), order: created++, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };

  const runUntil = async (endMs: number): Promise<void> => {
    for (;;) {
      await turn();
      const next = sorted()[0];
      if (next === undefined || next.dueAtMs > endMs) break;
      timers.delete(next);
      nowMs = Math.max(nowMs, next.dueAtMs);
      next.callback();
    }
    nowMs = endMs;
  };

  return {
    now: () => nowMs,
    monotonic: () => nowMs - startMs,
    after,
    sleep: sleepWith(after),
    async advance(ms) {
      if (advancing) throw new TestingKitError('clock-busy', 'advance() is already running: await it before the next');
      advancing = true;
      try {
        await runUntil(nowMs + ms);
      } finally {
        advancing = false;
      }
    },
    get pending() {
      return sorted();
    },
  };
}
