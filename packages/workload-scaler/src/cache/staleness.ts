import type { Clock } from '@scaler/scaler-types';

/** Silence is counted in minutes, and it is asked for at each request and for each of a thousand resources. */
const lookEveryMs = 50;

/** Whether what is known may be out of date, looked at anew no more often than is of use. */
export function createStaleness(clock: Clock, look: () => boolean): () => boolean {
  let stale = false;
  let untilMs = -Infinity;
  return () => {
    const nowMs = clock.monotonic();
    if (nowMs < untilMs) return stale;
    untilMs = nowMs + lookEveryMs;
    return (stale = look());
  };
}
