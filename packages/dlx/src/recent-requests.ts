import type { Clock } from '@scaler/scaler-types';
import type { Ended } from './accounting.ts';
import type { Exchange } from './exchange.ts';
import type { Outcome } from './outcome.ts';

const kept = 32;

interface Slot {
  method: string;
  path: string;
  /** Monotonic. */
  startedMs: number;
  /** Monotonic. */
  endedMs: number;
  outcome: Outcome;
  status: number;
  detail: string | undefined;
}

/** The last requests of a resource that ended. Each is written over an old one: on the hot path nothing new is made. */
export class RecentRequests {
  readonly #slots: Slot[] = [];
  #next = 0;

  add({ carrier, startedMs }: Exchange, endedMs: number, outcome: Outcome, status: number, detail?: string): void {
    const { method, url: path } = carrier;
    const slot = this.#slots[this.#next];
    if (slot === undefined) this.#slots.push({ method, path, startedMs, endedMs, outcome, status, detail });
    else {
      slot.method = method;
      slot.path = path;
      slot.startedMs = startedMs;
      slot.endedMs = endedMs;
      slot.outcome = outcome;
      slot.status = status;
      slot.detail = detail;
    }
    this.#next = (this.#next + 1) % kept;
  }

  /** Newest first. Without queries, which may hold secrets. */
  list(clock: Clock): Ended[] {
    const offset = clock.now() - clock.monotonic();
    const oldestFirst = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)];
    return oldestFirst.reverse().map(({ path, startedMs, endedMs, detail, ...rest }) => ({
      ...rest,
      path: path.split('?', 1)[0] as string,
      ...(detail !== undefined && { detail }),
      at: new Date(offset + endedMs).toISOString(),
      tookMs: Math.round((endedMs - startedMs) * 10) / 10,
    }));
  }
}
