import type { ReleaseWindow } from './release-window.ts';

/** A released request's place in its endpoint's window, until its answer begins or its try ends. */
export class ReleasePlace {
  readonly #window: ReleaseWindow;
  readonly #next: { pump(): void };
  #taken = true;

  /** `next` lets go the next request once this one has left. */
  constructor(window: ReleaseWindow, next: { pump(): void }) {
    this.#window = window;
    this.#next = next;
    window.used += 1;
  }

  get isTaken(): boolean {
    return this.#taken;
  }

  /** Leaves it, once, to the next request. */
  leave(): void {
    if (!this.#taken) return;
    this.#taken = false;
    this.#window.used -= 1;
    this.#next.pump();
  }
}
