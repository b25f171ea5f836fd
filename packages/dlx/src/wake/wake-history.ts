const remembered = 5;
const unknownS = 5;
const longestS = 60;

/** How long a resource's last wakes took, for `Retry-After`. */
export class WakeHistory {
  readonly #tookMs: number[] = [];

  add(tookMs: number): void {
    this.#tookMs.push(tookMs);
    if (this.#tookMs.length > remembered) this.#tookMs.shift();
  }

  /** Seconds for `Retry-After`: the slowest of the last wakes, rounded up, from 1 to 60; before the first 5. */
  get retryAfterS(): number {
    if (this.#tookMs.length === 0) return unknownS;
    return Math.min(longestS, Math.max(1, Math.ceil(Math.max(...this.#tookMs) / 1000)));
  }
}
