const first = 16;
const most = 1024;

/**
 * How many released requests may wait for one endpoint's answer at once. It opens by one with each answer while
 * answers stay about as fast as the fastest seen, so that a slow app is given many and a busy one is not drowned. It
 * closes to one when a connection fails, and doubles when nothing moved for a while: long polls answer late.
 */
export class ReleaseWindow {
  #size = first;
  #bestMs = Number.POSITIVE_INFINITY;
  /** Released requests that wait for their answer's head. */
  used = 0;

  get hasRoom(): boolean {
    return this.used < this.#size;
  }

  succeeded(tookMs: number): void {
    if (tookMs < this.#bestMs) this.#bestMs = Math.max(1, tookMs);
    if (this.#size < most && (this.#size < first || tookMs <= this.#bestMs * 2)) this.#size += 1;
  }

  failed(): void {
    this.#size = 1;
  }

  waited(): void {
    this.#size = Math.min(most, this.#size * 2);
  }
}
