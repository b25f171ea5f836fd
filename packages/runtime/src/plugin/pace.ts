import type { Clock } from '@scaler/scaler-types';

/** Values of one key within a second; of more, the last is taken when the second is over. */
const perSecond = 20;
/** Values of all keys within a second. */
const perSecondInAll = 5000;
const secondMs = 1000;

export interface PaceOptions<T> {
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly take: (value: T) => void;
  /** Called when there were so many within a second, of a key or, without it, of all. */
  readonly onMany: (most: number, key?: string) => void;
}

/** Passes values on at a bounded rate. */
export class Pace<T> {
  readonly #options: PaceOptions<T>;
  readonly #late = new Map<string, T>();
  readonly #counts = new Map<string, number>();
  #inAll = 0;
  #sinceMs: number;
  #cancel: (() => void) | undefined;

  constructor(options: PaceOptions<T>) {
    this.#options = options;
    this.#sinceMs = options.clock.monotonic();
    options.signal.addEventListener('abort', () => this.#cancel?.(), { once: true });
  }

  /** @param countsInAll whether it is one of all values that are bounded together. */
  pass(key: string, value: T, countsInAll: boolean): void {
    const { clock, signal, take, onMany } = this.#options;
    if (signal.aborted) return;
    const nowMs = clock.monotonic();
    if (nowMs - this.#sinceMs >= secondMs) {
      this.#sinceMs = nowMs;
      this.#counts.clear();
      this.#inAll = 0;
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    if (countsInAll) this.#inAll += 1;
    // The last value of a key takes the place of its last arrival.
    this.#late.delete(key);
    if (count <= perSecond && this.#inAll <= perSecondInAll) return take(value);
    if (count === perSecond + 1) onMany(perSecond, key);
    else if (this.#inAll === perSecondInAll + 1) onMany(perSecondInAll);
    this.#late.set(key, value);
    this.#cancel ??= clock.after(secondMs, () => this.flush());
  }

  /** Takes the values that wait. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const all = [...this.#late.values()];
    this.#late.clear();
    for (const value of all) if (!this.#options.signal.aborted) this.#options.take(value);
  }
}
