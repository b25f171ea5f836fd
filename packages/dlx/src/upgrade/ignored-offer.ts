import type { Socket } from 'node:net';
import type { RawMessage } from '../http1/raw-message.ts';
import type { Breakable } from '../sockets/guard.ts';
import { listOf } from './offer.ts';
import { TunnelCarrier } from './tunnel.ts';

/**
 * A request whose offer is ignored: Node reads neither its body nor what follows it once it has told of an upgrade. (That it may be
 * told beforehand, by `shouldUpgradeCallback`, loses what a client pipelined behind: tried with 24.21.) So it is given back to
 * Node, on the same connection, as if it had come without.
 */
export class IgnoredOffer extends TunnelCarrier {
  readonly #req: RawMessage;

  constructor(req: RawMessage, connection: Breakable & { readonly socket: Socket }) {
    super(connection.socket, connection);
    this.#req = req;
  }

  /** Gives it to what reads HTTP, with all that came behind it. */
  replay(read: (socket: Socket) => void): void {
    const { socket } = this;
    const behind = this.giveAway();
    socket.unshift(Buffer.concat([headWithoutOffer(this.#req), behind]));
    read(socket);
    // It may have been halted for the sake of requests before.
    socket.resume();
  }

  /** As in HTTP: a client that no longer listens has left. */
  protected heardAll(): void {
    this.socket.destroy();
  }
}

function headWithoutOffer({ method, url, httpVersion, rawHeaders }: RawMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = valueWithoutOffer(name.toLowerCase(), rawHeaders[i + 1] as string);
    if (value !== undefined) lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function valueWithoutOffer(name: string, value: string): string | undefined {
  if (name === 'upgrade') return undefined;
  if (name !== 'connection') return value;
  const kept = listOf(value).filter((option) => option.toLowerCase() !== 'upgrade');
  return kept.length === 0 ? undefined : kept.join(', ');
}
