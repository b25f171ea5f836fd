import { doublingMs } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

/** So many calls may be made at once: a wake, and what a park or a restart under it makes necessary. */
const burst = 4;
const firstGapMs = 125;
/** Who recovers by itself is found out after so long at the latest. */
const longestGapMs = 2000;

/**
 * How often a resource's setScale is called while nothing shows that it serves: a few times at once, then seldomer and
 * seldomer. Neither a call that resolved nor another phase makes that good, for a scaler may tell both in vain for
 * ever; an answer does.
 */
export class WakePace {
  readonly #clock: Clock;
  #unserved = 0;
  #left = burst;
  /** Monotonic; when `left` was true. */
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls since the last answer. */
  get unserved(): number {
    return this.#unserved;
  }

  /** Milliseconds until the next call may be made. */
  get waitMs(): number {
    const left = this.#leftNow();
    return left >= 1 ? 0 : (1 - left) * this.#gapMs;
  }

  called(): void {
    this.#left = this.#leftNow() - 1;
    this.#sinceMs = this.#clock.monotonic();
    this.#unserved += 1;
  }

  /** A request was answered by it. */
  served(): void {
    this.#unserved = 0;
    this.#left = burst;
  }

  #leftNow(): number {
    if (this.#unserved === 0) return burst;
    return Math.min(burst, this.#left + (this.#clock.monotonic() - this.#sinceMs) / this.#gapMs);
  }

  get #gapMs(): number {
    return doublingMs(this.#unserved, firstGapMs, longestGapMs);
  }
}
