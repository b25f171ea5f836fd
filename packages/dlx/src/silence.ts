import type { Socket } from 'node:net';
import type { Clock } from '@scaler/scaler-types';

/** How often silence is looked for: limits of silence are met this much late at most. */
export const silenceLookMs = 250;

/** Tells for how long nothing has moved. Costs nothing until it is asked. */
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

  /** What was silent was meant to be: it is counted from the next look on. */
  restart(): void {
    this.#moved = -1;
  }
}

/** Bytes that have come and gone. */
export function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}

/** Looks at what may be silent until the signal aborts. One timer in place of several per message. */
export async function watchSilence(
  looks: ((nowMs: number) => void)[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(silenceLookMs, signal).catch(() => {});
    for (const look of looks) look(clock.monotonic());
  }
}
