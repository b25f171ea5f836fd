// Counted in fifths: a request adds one, a retry takes five.
const costs = 5;
/** So many of the last requests are remembered. */
const most = 500;
/** A quiet resource has ten retries, too, one of which comes back each second. */
const least = 10 * costs;

/** How many of a resource's requests may be sent once more, so that an app that breaks off is not sent even more. */
export class RetryBudget {
  #left = least;
  #atMs = 0;

  /** A request was sent for the first time. */
  add(): void {
    if (this.#left < most) this.#left += 1;
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    if (this.#left < least) this.#left = Math.min(least, this.#left + ((nowMs - this.#atMs) / 1000) * costs);
    this.#atMs = nowMs;
    if (this.#left < costs) return false;
    this.#left -= costs;
    return true;
  }
}
