import type { Clock } from '@scaler/scaler-types';

const perSecond = { ofOne: 10, inAll: 5000 };

/** Counts calls, so that none of the apps' own mistakes can make a storm of them. */
export class CallRate {
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  #sinceMs = 0;
  #inAll = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The reason why the call has to wait; undefined: it may be made, and is counted. */
  refusal(key: string): string | undefined {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#sinceMs >= 1000) {
      this.#sinceMs = nowMs;
      this.#inAll = 0;
      this.#counts.clear();
    }
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count > perSecond.ofOne) return `was called ${perSecond.ofOne} times within a second already`;
    if (this.#inAll >= perSecond.inAll) return `was called ${perSecond.inAll} times in all within a second already`;
    this.#counts.set(key, count);
    this.#inAll += 1;
    return undefined;
  }
}
