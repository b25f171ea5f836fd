import type { BoundsMet, Ledger, ResourceLoad } from './ledger.ts';
import { Silence } from '../sockets/silence.ts';

/** A request that stands still for so long is ended while memory is short. */
export const stalledMs = 60_000;
/** So many are ended at one look. */
const mostAtOnce = 100;

/** Bytes that wait for a reader that takes nothing. */
export interface Stall {
  /** The bytes that it keeps waiting. */
  readonly bytes: number;
  /** The resource that it belongs to; undefined: none that is known. */
  readonly holder: ResourceLoad | undefined;
  end(): void;
}

/**
 * Ends what stands still while the ledger is over its mark, and only then: the largest of the resource that takes the most,
 * of the namespace that takes the most. Filled anew at each look.
 */
export class Stalls {
  readonly #ledger: Ledger;
  #found: Stall[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Whether stalls are to be added. */
  get wanted(): boolean {
    return this.#ledger.isOverMark;
  }

  add(stall: Stall): void {
    this.#found.push(stall);
  }

  /** All were looked at: ends the worst. What is ended gives back its bytes at once. */
  settle(): void {
    const found = this.#found;
    this.#found = [];
    for (let ended = 0; ended < mostAtOnce && found.length > 0 && this.wanted; ended++) {
      let worst = 0;
      for (let i = 1; i < found.length; i++) {
        if (isWorse(found[i] as Stall, found[worst] as Stall)) worst = i;
      }
      const [stall] = found.splice(worst, 1);
      stall?.end();
    }
  }
}

function isWorse(a: Stall, b: Stall): boolean {
  const byNamespace = (a.holder?.namespace.bytes ?? 0) - (b.holder?.namespace.bytes ?? 0);
  if (byNamespace !== 0) return byNamespace > 0;
  const byResource = loadOf(a.holder) - loadOf(b.holder);
  return byResource === 0 ? a.bytes > b.bytes : byResource > 0;
}

function loadOf(holder: ResourceLoad | undefined): number {
  return holder === undefined ? 0 : holder.heldBytes + holder.inFlightBytes;
}

/** The detail of a request that ends because its endpoint took nothing. */
export const tookNothing = 'took nothing of a request while memory was short';

/** A request on its way, as it is counted here. */
export interface Waiter {
  readonly state: string;
  readonly core: { readonly accounting: { readonly stalls: Stalls; readonly bounds: BoundsMet } };
  readonly lane: { readonly gate: ResourceLoad & { readonly ref: { readonly namespace: string } } } | undefined;
  /** Takes how many bytes of it wait. */
  buffers(bytes: number): void;
}

/** Bytes that one side of a request has sent and the other not taken, as of a look. */
export interface Untaken {
  /** All of it. */
  readonly bytes: number;
  /** Bytes that may come any moment of a body that is not whole yet, beside. */
  readonly ahead: number;
  /** Counts up as some of it is taken. */
  readonly taken: number;
  /** Ends the request, because its reader takes nothing. */
  end(): void;
}

/** Counts what waits of one request on its way; reports a stall where nothing was taken for long while memory is short. */
export class Waiting {
  readonly #x: Waiter;
  readonly #silence = new Silence();

  constructor(x: Waiter) {
    this.#x = x;
  }

  look(untaken: Untaken, nowMs: number): void {
    const { bytes, ahead, taken } = untaken;
    this.#x.buffers(bytes + ahead);
    this.stands(untaken, bytes === 0 ? 0 : this.#silence.forMs(taken, nowMs));
    if (bytes === 0) this.#silence.restart();
  }

  /** The same for a caller that measures itself for how long nothing was taken. */
  stands({ bytes, end }: Pick<Untaken, 'bytes' | 'end'>, forMs: number): void {
    const { stalls, bounds } = this.#x.core.accounting;
    if (forMs < stalledMs || !stalls.wanted) return;
    const gate = this.#x.lane?.gate;
    stalls.add({
      bytes,
      holder: gate,
      end: () => {
        if (this.#x.state === 'ended') return;
        bounds.count('stalled', gate?.ref.namespace);
        end();
      },
    });
  }
}
