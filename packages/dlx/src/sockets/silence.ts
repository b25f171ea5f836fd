import type { Socket } from 'node:net';
import type { Clock } from '@scaler/scaler-types';
import { onAbort } from './guard.ts';

/** How often silence is looked for: limits of silence are met this much late at most. */
export const silenceLookMs = 250;

/** Measures for how long nothing has moved. Costs nothing until it is asked. */
export class Silence {
  #moved = -1;
  #sinceMs = 0;

  /** Milliseconds since the last look at which `moved`, whatever it counts, was another; ask at every look. */
  forMs(moved: number, nowMs: number): number {
    if (moved !== this.#moved) {
      this.#moved = moved;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }

  /** The silence was meant: it is counted from the next look on. */
  restart(): void {
    this.#moved = -1;
  }
}

/** Bytes that have come and gone. */
export function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}

/** Looks for silence while there is something that may be silent: one timer in place of several per message, or none. */
export class SilenceLooks {
  readonly #clock: Clock;
  #something = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Here is something that may be silent. */
  arrived(): void {
    this.#something.resolve();
  }

  /** Until the signal aborts; once only. `look` returns whether there is anything left to look at. */
  async run(all: { look(nowMs: number): boolean }, signal: AbortSignal): Promise<void> {
    onAbort(signal, () => this.arrived());
    for (;;) {
      await this.#something.promise;
      await this.#clock.sleep(silenceLookMs, signal).catch(() => {});
      if (signal.aborted) return;
      this.#something = Promise.withResolvers();
      if (all.look(this.#clock.monotonic())) this.arrived();
    }
  }
}
