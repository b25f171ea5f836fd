import type { Socket } from 'node:net';
import type { ResourceRef } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { type Breakable, listenOnce } from '../sockets/guard.ts';
import type { PortLoad } from '../ledger/ledger.ts';
import { type Holder, stalledMs } from '../ledger/stalls.ts';
import type { ClientConnection } from './client-connection.ts';

/** A head has so long to become whole while memory is short. */
const headMs = 10_000;

/** A log line each so often at most. */
const logEveryMs = 10_000;

/** The counters of a connection. */
interface Place {
  readonly port: number;
  readonly load: PortLoad;
  /** Bytes that it has waiting, as of the last look. */
  waiting: number;
}

/** The resource that a port is of. */
interface Owner extends Holder {
  readonly ref: ResourceRef;
}

/** The resource that a port is of, where it is one target's own. */
export type OwnerOf = (port: number) => Owner | undefined;

/** Lets connections in as far as there is room, and looks after what they have waiting with nothing under way. */
export class Admission {
  readonly #core: Core;
  readonly #places = new WeakMap<Socket, Place>();
  readonly #ownerOf: OwnerOf;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(core: Core, ownerOf: OwnerOf) {
    this.#core = core;
    this.#ownerOf = ownerOf;
  }

  /** Whether it may stay; one that may not is closed. It may come a second time, given back by a protocol that let go. */
  lets(socket: Socket, port: number, owner: Breakable): boolean {
    if (this.#places.has(socket)) return true;
    const { connections, bounds } = this.#core.accounting;
    const target = this.#ownerOf(port);
    const load = connections.take(port, target !== undefined);
    if (load === undefined) {
      bounds.count('connections', target?.ref.namespace);
      socket.destroy();
      return false;
    }
    const place: Place = { port, load, waiting: 0 };
    this.#places.set(socket, place);
    listenOnce(socket, 'close', owner, () => this.#left(place));
    return true;
  }

  /** Counts what one has waiting, and reports what stands still. `silentMs` as the connection measures it. */
  look(connection: ClientConnection, silentMs: number): void {
    const { socket } = connection;
    const place = this.#places.get(socket);
    if (place === undefined || socket.destroyed) return;
    const waiting = connection.waitingBytes();
    const { connections, stalls, bounds } = this.#core.accounting;
    if (waiting !== place.waiting) {
      connections.waits(place.load, waiting - place.waiting);
      place.waiting = waiting;
    }
    if (waiting === 0 || !stalls.wanted) return;
    if (silentMs < (socket.writableLength > 0 ? stalledMs : headMs)) return;
    const owner = this.#ownerOf(place.port);
    stalls.add({
      bytes: waiting,
      holder: owner,
      end: () => {
        bounds.count('stalled', owner?.ref.namespace);
        connections.waits(place.load, -place.waiting);
        place.waiting = 0;
        socket.destroy();
      },
    });
  }

  /** As a rule no more files may be opened: a connection in the kernel's queue waits, or Node closes it. */
  acceptFailed(error: unknown): void {
    const { accounting, clock, logger } = this.#core;
    accounting.bounds.count('accept');
    const nowMs = clock.monotonic();
    if (nowMs - this.#loggedMs < logEveryMs) return;
    this.#loggedMs = nowMs;
    logger.error('a connection could not be accepted', { err: error });
  }

  #left(place: Place): void {
    const { connections } = this.#core.accounting;
    connections.waits(place.load, -place.waiting);
    place.waiting = 0;
    connections.leave(place.port, place.load);
  }
}
