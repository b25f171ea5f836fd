import { Silence } from '../sockets/silence.ts';
import type { BoundsMet } from './bounds-met.ts';
import { type Holder, stalledMs, type Stalls } from './stalls.ts';

/** The detail of a request that ends because its endpoint took nothing. */
export const tookNothing = 'took nothing of a request while memory was short';

/** A request on its way, as it is counted here. */
export interface Waiter {
  readonly state: string;
  readonly core: { readonly accounting: { readonly stalls: Stalls; readonly bounds: BoundsMet } };
  readonly lane: { readonly gate: Holder & { readonly ref: { readonly namespace: string } } } | undefined;
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
        bounds.met('stalled', gate?.ref.namespace);
        end();
      },
    });
  }
}
