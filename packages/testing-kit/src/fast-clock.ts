import { type Clock, sleepWith } from '@scaler/scaler-types';
import { createFakeClock } from './clock.ts';

/** One turn of the event loop passes so much time at most, however long it took. */
const longestTurnMs = 5;

/** Real time, in ms, less what the event loop stood still for. */
const loopTime = createFakeClock();
let ticking: NodeJS.Timeout | undefined;

// The timer keeps no process alive: code that waits for this clock alone has nothing else to wait for.
function startTicking(): NodeJS.Timeout {
  let seenMs = performance.now();
  let busy = false;
  const tick = setInterval(() => {
    if (busy) return;
    busy = true;
    const nowMs = performance.now();
    const passedMs = Math.min(nowMs - seenMs, longestTurnMs);
    seenMs = nowMs;
    void loopTime.advance(passedMs).finally(() => (busy = false));
  }, 1);
  return tick.unref();
}

/**
 * A clock `factor` times as fast as real time, which stands still while the event loop does. The servers of a test run on
 * the same loop: a busy machine makes the test slower, and no deadline passes before an answer that came is read.
 * `skewMs` is the offset of its wall clock.
 */
export function createFastClock(factor: number, skewMs = 0): Clock {
  ticking ??= startTicking();
  const after: Clock['after'] = (ms, callback) => loopTime.after(ms / factor, callback);
  return {
    now: () => Date.now() + skewMs,
    monotonic: () => loopTime.monotonic() * factor,
    after,
    sleep: sleepWith(after),
  };
}
