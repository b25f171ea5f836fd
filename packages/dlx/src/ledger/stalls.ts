import type { Ledger } from './ledger.ts';

/** A request that stands still for so long is ended while memory is short. */
export const stalledMs = 60_000;
/** So many are ended at one look. */
const mostAtOnce = 100;

/** Bytes that wait for a reader that takes nothing. */
export interface Stall {
  /** The bytes that it keeps waiting. */
  readonly bytes: number;
  /** The resource that it belongs to; undefined: none that is known. */
  readonly holder: Holder | undefined;
  end(): void;
}

/** A resource, by what its requests take. */
export interface Holder {
  readonly heldBytes: number;
  readonly inFlightBytes: number;
  readonly namespace: { readonly bytes: number };
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

function loadOf(holder: Holder | undefined): number {
  return holder === undefined ? 0 : holder.heldBytes + holder.inFlightBytes;
}
