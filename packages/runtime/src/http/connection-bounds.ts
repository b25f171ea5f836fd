import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** Connections of one address. */
  perAddress: number;
  /** Connections of all addresses. */
  total: number;
}

/**
 * Bounds the connections of a server. The newest is always taken, since it may be kubelet's: past a bound the oldest of
 * the same address ends, or the oldest of the address that has the most.
 */
export class ConnectionBounds {
  readonly #limits: ConnectionLimits;
  readonly #sockets = new Map<string, Set<Socket>>();
  #total = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  take(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const own = this.#sockets.get(address) ?? new Set();
    this.#sockets.set(address, own.add(socket));
    this.#total += 1;
    socket.once('close', () => this.#leave(address, socket));
    if (own.size > this.#limits.perAddress) this.#end(address);
    else if (this.#total > this.#limits.total) this.#end(this.#largest());
  }

  get total(): number {
    return this.#total;
  }

  #largest(): string {
    let [largest, most] = ['', 0];
    for (const [address, { size }] of this.#sockets) if (size > most) [largest, most] = [address, size];
    return largest;
  }

  /** Ends the oldest connection of an address. */
  #end(address: string): void {
    const [oldest] = this.#sockets.get(address) ?? [];
    if (oldest === undefined) return;
    this.#leave(address, oldest);
    oldest.destroy();
  }

  #leave(address: string, socket: Socket): void {
    const own = this.#sockets.get(address);
    if (own?.delete(socket) !== true) return;
    this.#total -= 1;
    if (own.size === 0) this.#sockets.delete(address);
  }
}
