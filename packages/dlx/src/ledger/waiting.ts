import type { Exchange } from '../exchange/exchange.ts';
import { Silence } from '../sockets/silence.ts';
import { stalledMs } from './stalls.ts';

/** The detail of a request that ends because its endpoint took nothing. */
export const tookNothing = 'took nothing of a request while memory was short';

/** What one side of a request has sent and the other not taken, as of a look. */
export interface Untaken {
  /** All of it. */
  readonly bytes: number;
  /** What may come any moment of a body that is not whole yet, beside. */
  readonly ahead: number;
  /** Counts up as some of it is taken. */
  readonly taken: number;
  /** Ends the request, because who is to take it does not. */
  end(): void;
}

/** Counts what waits of one request on its way; tells of it where nothing was taken for long while memory is short. */
export class Waiting {
  readonly #x: Exchange;
  readonly #silence = new Silence();

  constructor(x: Exchange) {
    this.#x = x;
  }

  look(untaken: Untaken, nowMs: number): void {
    const { bytes, ahead, taken } = untaken;
    this.#x.buffers(bytes + ahead);
    this.tell(untaken, bytes === 0 ? 0 : this.#silence.forMs(taken, nowMs));
    if (bytes === 0) this.#silence.restart();
  }

  /** The same for who knows by itself for how long nothing was taken. */
  tell({ bytes, end }: Pick<Untaken, 'bytes' | 'end'>, forMs: number): void {
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
