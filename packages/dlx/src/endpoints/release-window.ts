const first = 16;
const most = 1024;
/** A slow answer takes back this part of what a fast one gave. */
const slowCosts = 0.25;

/**
 * How many released requests may wait for one endpoint's answer at once. It grows when a windowful of answers was about
 * as fast as the fastest seen, so that a slow app is given many: fourfold if none of them was slow, for then it waits
 * for something else than its turn, else twofold. An app that serves one after the other, of whose windowful only the
 * first few are fast, is never given more than it had. It closes to one when an endpoint fails, and doubles when
 * nothing was answered for a while: long polls answer late.
 * See docs/decisions/release-window.md.
 */
export class ReleaseWindow {
  #size = first;
  #fast = 0;
  #anySlow = false;
  #bestMs = Number.POSITIVE_INFINITY;
  /** Released requests that wait for their answer's head. */
  used = 0;

  get size(): number {
    return this.#size;
  }

  get hasRoom(): boolean {
    return this.used < this.#size;
  }

  /** `tookMs`: from when it was sent to when its answer began. */
  succeeded(tookMs: number): void {
    if (tookMs < this.#bestMs) this.#bestMs = Math.max(1, tookMs);
    if (this.#size < first) {
      this.#size += 1;
      return;
    }
    if (tookMs <= this.#bestMs * 2) this.#fast += 1;
    else {
      this.#fast = Math.max(0, this.#fast - slowCosts);
      this.#anySlow = true;
    }
    if (this.#fast >= this.#size) this.#grow(this.#anySlow ? 2 : 4);
  }

  failed(): void {
    this.#size = 1;
    this.#fast = 0;
  }

  waited(): void {
    this.#grow(2);
  }

  #grow(times: number): void {
    this.#size = Math.min(most, this.#size * times);
    this.#fast = 0;
    this.#anySlow = false;
  }
}
