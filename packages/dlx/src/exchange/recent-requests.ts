import type { Clock } from '@scaler/scaler-types';
import { keptText } from '../ledger/kept-text.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Outcome } from '../outcome.ts';

/** One request that ended, as the admin server shows it. */
export interface Ended {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly outcome: Outcome;
  readonly status: number;
  readonly method: string;
  readonly path: string;
  /** Milliseconds from head to end. */
  readonly tookMs: number;
  readonly detail?: string;
}

/** A request as it is remembered. */
interface Remembered {
  /** Undefined: a raw connection. */
  readonly http: { readonly url: string; readonly method: string } | undefined;
  /** Monotonic. */
  readonly startedMs: number;
}

const kept = 32;
/** Characters of a path, and of a method, which in HTTP/2 may be any word. */
const mostPath = 200;
const mostMethod = 20;
const mostDetail = 500;
/** A raw connection is remembered as this. */
const raw = { method: 'TCP', url: '' };
/** A slot beside its texts. */
const slotBytes = 192;

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
  /** The bytes that it is counted as. */
  bytes: number;
}

/** The last requests of a resource that ended. Each is written over an old one: on the hot path nothing new is made. */
export class RecentRequests {
  readonly #ledger: Ledger;
  readonly #slots: Slot[] = [];
  #next = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  add({ http, startedMs }: Remembered, endedMs: number, outcome: Outcome, status: number, whole?: string): void {
    const { method: asked, url } = http ?? raw;
    const method = asked.length > mostMethod ? keptText(asked, mostMethod) : asked;
    const path = pathOf(url);
    const detail = whole === undefined ? undefined : keptText(whole, mostDetail);
    const bytes = slotBytes + path.length + (detail === undefined ? 0 : 2 * detail.length);
    const slot = this.#slots[this.#next];
    this.#ledger.kept += bytes - (slot?.bytes ?? 0);
    if (slot === undefined) this.#slots.push({ method, path, startedMs, endedMs, outcome, status, detail, bytes });
    else {
      slot.method = method;
      slot.path = path;
      slot.startedMs = startedMs;
      slot.endedMs = endedMs;
      slot.outcome = outcome;
      slot.status = status;
      slot.detail = detail;
      slot.bytes = bytes;
    }
    this.#next = (this.#next + 1) % kept;
  }

  /** Forgets them all. */
  clear(): void {
    for (const { bytes } of this.#slots.splice(0)) this.#ledger.kept -= bytes;
    this.#next = 0;
  }

  /** Newest first. */
  list(clock: Clock): Ended[] {
    const offset = clock.now() - clock.monotonic();
    const oldestFirst = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)];
    return oldestFirst.reverse().map(({ method, path, startedMs, endedMs, outcome, status, detail }) => ({
      method,
      outcome,
      status,
      path,
      ...(detail !== undefined && { detail }),
      at: new Date(offset + endedMs).toISOString(),
      tookMs: Math.round((endedMs - startedMs) * 10) / 10,
    }));
  }
}

/** Without its query, which may hold secrets, and with nothing of it kept alive. */
function pathOf(url: string): string {
  const query = url.indexOf('?');
  if (query === -1 && url.length <= mostPath) return url;
  return keptText(query === -1 ? url : url.slice(0, query), mostPath);
}
