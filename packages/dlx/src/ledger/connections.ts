import type { Ledger } from './ledger.ts';

/** A connection with nothing under way. */
export const connectionBytes = 4096;

/** The load of one port. */
export interface PortLoad {
  connections: number;
  /** Of those with nothing under way: heads that are not whole, and the ends of answers that are not taken. */
  waitingBytes: number;
}

/** The shared port is everybody's, so it may take so many times what is still free: three quarters of all. */
const sharedPortShare = 3;

/** How many connections there are, by the port they came in on. No target's port takes more than is still free. */
export class Connections {
  limit = Number.POSITIVE_INFINITY;
  count = 0;
  readonly #ledger: Ledger;
  readonly #ports = new Map<number, PortLoad>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Counts one more, if there is room for it; to be given back by {@link leave}. `isOwn`: the port is one target's. */
  take(port: number, isOwn: boolean): PortLoad | undefined {
    const load = this.#ports.get(port) ?? { connections: 0, waitingBytes: 0 };
    const share = isOwn ? 1 : sharedPortShare;
    if (load.connections >= share * (this.limit - this.count)) return undefined;
    const own = load.connections * connectionBytes + load.waitingBytes;
    if (own + connectionBytes > share * this.#ledger.free) return undefined;
    if (load.connections === 0) this.#ports.set(port, load);
    load.connections += 1;
    this.count += 1;
    this.#ledger.inFlight += connectionBytes;
    return load;
  }

  leave(port: number, load: PortLoad): void {
    load.connections -= 1;
    this.count -= 1;
    this.#ledger.inFlight -= connectionBytes;
    if (load.connections === 0) this.#ports.delete(port);
  }

  /** The waiting bytes of one of them have changed by so many. */
  waits(load: PortLoad, by: number): void {
    load.waitingBytes += by;
    this.#ledger.inFlight += by;
  }
}
