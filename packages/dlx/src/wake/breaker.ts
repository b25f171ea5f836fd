import { doublingMs } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

/**
 * `closed`: requests wake. `open`: they are answered at once, until it is time for the next try. `half-open`: that try is
 * under way, and requests that come wait for it.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How many breakers are in each state but `closed`. */
export type BreakerCounts = Record<Exclude<BreakerState, 'closed'>, number>;

/** One failed wake may be bad luck, such as a busy registry; two do not prove more. */
const failuresToOpen = 3;
const firstOpenMs = 1000;
/** Of a resource that nothing else shows to have recovered: it is tried again no later. */
const longestOpenMs = 8000;

/** One resource's failed wakes in a row, and whether another is worth a request's wait. */
export class Breaker {
  readonly #clock: Clock;
  readonly #counts: BreakerCounts;
  #state: BreakerState = 'closed';
  #failures = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = 0;
  #cause: string | undefined;

  constructor(clock: Clock, counts: BreakerCounts) {
    this.#clock = clock;
    this.#counts = counts;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** In a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Of the last failure; undefined since a success. */
  get cause(): string | undefined {
    return this.#cause;
  }

  /** Monotonic; when a wake failed last. */
  get failedMs(): number {
    return this.#failedMs;
  }

  /** Milliseconds until the next try; undefined unless it is open. */
  get retryInMs(): number | undefined {
    if (this.#state !== 'open') return undefined;
    return Math.max(0, this.#retryAtMs - this.#clock.monotonic());
  }

  /** Whether a request that only a wake helps may wait for one. The first that may once it is time is the try. */
  admits(): boolean {
    if (this.#state === 'open') {
      if (this.#clock.monotonic() < this.#retryAtMs) return false;
      this.#become('half-open');
    }
    return true;
  }

  failed(cause: string): void {
    const nowMs = this.#clock.monotonic();
    this.#cause = cause;
    this.#failedMs = nowMs;
    // Of a wake from before it opened: it says nothing new.
    if (this.#state === 'open') return;
    this.#failures += 1;
    if (this.#failures < failuresToOpen) return;
    this.#retryAtMs = nowMs + doublingMs(this.#failures - failuresToOpen + 1, firstOpenMs, longestOpenMs);
    this.#become('open');
  }

  /** Something about the resource changed, which may have been what was needed: it is tried soon. */
  changed(): void {
    this.#retryAtMs = Math.min(this.#retryAtMs, this.#failedMs + firstOpenMs);
  }

  /** It serves. */
  close(): void {
    this.#failures = 0;
    this.#cause = undefined;
    this.#become('closed');
  }

  #become(state: BreakerState): void {
    if (this.#state !== 'closed') this.#counts[this.#state] -= 1;
    if (state !== 'closed') this.#counts[state] += 1;
    this.#state = state;
  }
}
