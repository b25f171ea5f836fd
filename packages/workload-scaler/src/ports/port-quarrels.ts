import { doublingMs } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';

/** How often in a row labels of a workload were taken back, and until when they are left as they are. */
interface Quarrel {
  readonly times: number;
  readonly untilMs: number;
}

const firstMs = 10_000;
const longestMs = 600_000;
/** A quarrel that has rested for so long is over. */
const overAfterMs = 3_600_000;
/** Beyond so many the oldest is forgotten. */
const most = 10_000;

/**
 * A workload that keeps getting labels of ports that it was not given is left alone for a while: another's port is not taken by
 * it, and a tool that writes a manifest again and again would have us write as often. The first time is put right at once.
 */
export class PortQuarrels {
  readonly #clock: Clock;
  readonly #known = new Map<string, Quarrel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For how long its labels are left as they are, in milliseconds; 0: they are put right. `uid`: the workload's. */
  leftMs(uid: string): number {
    return Math.max(0, (this.#known.get(uid)?.untilMs ?? 0) - this.#clock.monotonic());
  }

  /** Its labels, which another client had written, are put right. */
  putRight(uid: string): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, { untilMs }] of this.#known) {
      if (nowMs <= untilMs + overAfterMs && this.#known.size < most) break;
      this.#known.delete(key);
    }
    const times = (this.#known.get(uid)?.times ?? 0) + 1;
    const pauseMs = doublingMs(times, firstMs, longestMs);
    this.#known.delete(uid);
    this.#known.set(uid, { times, untilMs: nowMs + pauseMs });
  }
}
