import { setImmediate } from 'node:timers/promises';
import { type Clock, sleepWith } from '@scaler/scaler-types';

/** A clock that stands still until `advance` is called. (The testing kit's is out of reach: it builds on other packages than this one may.) */
export interface ManualClock extends Clock {
  /** Lets what waits on promises go on, then time pass, then promises again. */
  advance(ms: number): Promise<void>;
}

export function createManualClock(): ManualClock {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const after: Clock['after'] = (ms, callback) => {
    const timer = { atMs: nowMs + ms, callback };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const fire = (untilMs: number): void => {
    for (;;) {
      const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (!next) return;
      timers.delete(next);
      nowMs = Math.max(nowMs, next.atMs);
      next.callback();
    }
  };
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after,
    sleep: sleepWith(after),
    async advance(ms) {
      await setImmediate();
      const untilMs = nowMs + ms;
      fire(untilMs);
      nowMs = untilMs;
      await setImmediate();
    },
  };
}
