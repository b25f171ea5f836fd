import type { Socket } from 'node:net';
import type { Core } from '../core.ts';
import type { Directory } from '../identify/directory.ts';
import { type Breakable, listenOnce } from '../sockets/guard.ts';
import type { PortLoad } from '../ledger/ledger.ts';
import { stalledMs } from '../ledger/stalls.ts';
import type { ClientConnection } from './connection.ts';

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

/** Lets connections in as far as there is room, and looks after what they have waiting with nothing under way. */
export class Admission {
  readonly #core: Core;
  readonly #places = new WeakMap<Socket, Place>();
  readonly #directory: Directory;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(core: Core, directory: Directory) {
    this.#core = core;
    this.#directory = directory;
  }

  /** Whether it may stay; one that may not is closed. It may come a second time, given back by a protocol that let go. */
  lets(socket: Socket, port: number, owner: Breakable): boolean {
    if (this.#places.has(socket)) return true;
    const { connections, bounds } = this.#core.accounting;
    const target = this.#directory.byPort(port)?.gate;
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
    const { stalls, bounds } = this.#core.accounting;
    this.#waits(place, waiting);
    if (waiting === 0 || !stalls.wanted) return;
    if (silentMs < (socket.writableLength > 0 ? stalledMs : headMs)) return;
    const owner = this.#directory.byPort(place.port)?.gate;
    stalls.add({
      bytes: waiting,
      holder: owner,
      end: () => {
        bounds.count('stalled', owner?.ref.namespace);
        this.#waits(place, 0);
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

  #waits(place: Place, bytes: number): void {
    this.#core.accounting.connections.waits(place.load, bytes - place.waiting);
    place.waiting = bytes;
  }

  #left(place: Place): void {
    this.#waits(place, 0);
    this.#core.accounting.connections.leave(place.port, place.load);
  }
}
