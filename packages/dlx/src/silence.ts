import type { Socket } from 'node:net';
import type { Clock } from '@scaler/scaler-types';

/** How often silence is looked for: limits of silence are met this much late at most. */
export const silenceLookMs = 250;

/** Tells for how long no byte has come or gone on a socket. Costs nothing until it is asked. */
export class Silence {
  #bytes = -1;
  #sinceMs = 0;

  /** Milliseconds since the last look at which bytes had moved; ask at every look. */
  forMs({ bytesRead, bytesWritten }: Pick<Socket, 'bytesRead' | 'bytesWritten'>, nowMs: number): number {
    const bytes = bytesRead + bytesWritten;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#sinceMs = nowMs;
    }
    return nowMs - this.#sinceMs;
  }

  /** What was silent was meant to be: it is counted from the next look on. */
  restart(): void {
    this.#bytes = -1;
  }
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
