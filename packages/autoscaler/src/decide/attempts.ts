import { doublingMs } from '@scaler/async';
import type { Instant } from './instant.ts';

/** How an attempt to park ended. `refused`: nothing was diverted. */
export type AttemptEnd = 'parked' | 'cancelled' | 'refused' | 'failed';

/** Attempts of one resource that did not end in sleep, in a row. */
export interface Attempts {
  count: number;
  /** When the next attempt may begin. */
  notBefore: Instant;
  /** The end of the last attempt, as a clause. */
  reason: string;
}

export interface BackOff {
  /** Milliseconds before the second attempt; doubled with each further one. */
  firstMs: number;
  /** No longer than this, in milliseconds; `firstMs` wins when it is longer. */
  longestMs: number;
}

/** The attempts after one more that did not end in sleep. The wait grows with each in a row, up to its bound. */
export function afterAttempt(before: Attempts | undefined, reason: string, now: Instant, backOff: BackOff): Attempts {
  const count = (before?.count ?? 0) + 1;
  const longestMs = Math.max(backOff.firstMs, backOff.longestMs);
  const waitMs = doublingMs(count, backOff.firstMs, longestMs);
  const notBefore = { wallMs: now.wallMs + waitMs, monotonicMs: now.monotonicMs + waitMs };
  return { count, notBefore, reason };
}
