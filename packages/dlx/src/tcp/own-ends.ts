import type { Socket } from 'node:net';
import { type Breakable, listenOnce } from '../sockets/guard.ts';

/**
 * Our ends of raw connections to endpoints. Bytes carry no header that says by which gates they came, so a
 * connection that leads back into the DLX is known by the end that it comes from; else it would come back until no more
 * can be opened.
 */
export class OwnEnds {
  readonly #ends = new Set<string>();

  /** Notes an end that was just opened, until it closes. */
  add(socket: Socket, owner: Breakable): void {
    const note = (): void => {
      const { localAddress, localPort } = socket;
      if (localPort === undefined || socket.destroyed) return;
      const end = endOf(localAddress, localPort);
      if (this.#ends.has(end)) return;
      this.#ends.add(end);
      listenOnce(socket, 'close', owner, () => void this.#ends.delete(end));
    };
    // On the same machine it is accepted before we hear that it stands. Node connects on the next tick to an address,
    // and after a lookup to a name.
    process.nextTick(note);
    listenOnce(socket, 'connect', owner, note);
  }

  /** Whether a client's connection comes from one of them. */
  has({ remoteAddress, remotePort }: Socket): boolean {
    return this.#ends.has(endOf(remoteAddress, remotePort));
  }
}

function endOf(address: string | undefined, port: number | undefined): string {
  return `${address?.replace(/^::ffff:/, '')} ${port}`;
}
