import type { Clock } from '@scaler/scaler-types';

/** The rate of requests that each address may have. */
export interface PeerRate {
  /** Requests a second in the long run. */
  perSecond: number;
  /** Requests at once. */
  burst: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** So many addresses are remembered; beyond, the one that asked longest ago is forgotten. */
const mostAddresses = 1_024;

/** Counts the requests of each address. */
export class PeerRates {
  readonly #rate: PeerRate;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: PeerRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Whether the address may ask once more, now. */
  take(address: string): boolean {
    const { perSecond, burst } = this.#rate;
    const nowMs = this.#clock.monotonic();
    const before = this.#buckets.get(address);
    const left =
      before === undefined ? burst : Math.min(burst, before.left + ((nowMs - before.atMs) * perSecond) / 1000);
    const may = left >= 1;
    // Behind all others: the first is the one that asked longest ago.
    this.#buckets.delete(address);
    this.#buckets.set(address, { left: may ? left - 1 : left, atMs: nowMs });
    if (this.#buckets.size > mostAddresses) {
      const [oldest = ''] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    return may;
  }

  get size(): number {
    return this.#buckets.size;
  }
}
