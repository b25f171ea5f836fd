import type { ReleaseWindow } from './release-window.ts';

/** A released request's place in its endpoint's window, until its answer begins or its try ends. */
export class ReleasePlace {
  readonly #window: ReleaseWindow;
  #left = false;

  constructor(window: ReleaseWindow) {
    this.#window = window;
    window.used += 1;
  }

  /** Whether it was still taken. */
  leave(): boolean {
    if (this.#left) return false;
    this.#left = true;
    this.#window.used -= 1;
    return true;
  }
}
