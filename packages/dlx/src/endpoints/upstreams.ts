import { Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { Client } from 'undici';
import type { Ledger } from '../ledger/ledger.ts';
import { type Breakable, guard, listen, listenOnce } from '../sockets/guard.ts';
import { UpstreamSessions } from '../http2/upstream-sessions.ts';
import type { Faults } from '../ledger/accounting.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';
import {
  type Connected,
  type Connecting,
  connectWithin,
  socketOptions,
  type SocketOwner,
  UpstreamSocket,
} from './upstream-socket.ts';

const keepAliveMs = 4000;
/** An idle connection (measured: 11 KB in use). */
const idleBytes = 12_288;
/** For a connection whose user left before it was begun. */
const unused = { timeoutMs: 1, settleMs: 0 };

/** A user of a connection to an endpoint: it sends a request. */
export interface UpstreamUser extends Breakable {
  /** Asked when a new connection is made. */
  connecting(): Connecting;
  /** No byte has moved between us and the endpoint for so long. */
  silent(forMs: number): void;
  /** Counts what waits to be taken, and reports what stands still. */
  look(nowMs: number): void;
}

/** A user that sends a request in HTTP/1. */
export interface Http1User extends UpstreamUser, SocketOwner {}

/** One connection to an endpoint, or the way to one. */
export interface Upstream extends SocketOwner {
  readonly key: string;
  readonly client: Client;
  socket: UpstreamSocket | undefined;
  /** Its user now; undefined: it is idle. */
  user: Http1User | undefined;
  /** Has carried a whole answer. */
  served: boolean;
  readonly silence: Silence;
}

/**
 * Connections to endpoints, each with one request at a time. The one that was used last is used next: it is the
 * likeliest to stand still, and the others close by themselves. Nothing queues here: what may run at once is the
 * hold's decision.
 */
export class Upstreams {
  /** Connections in HTTP/2, which requests share. */
  readonly sessions: UpstreamSessions;
  readonly #faults: Faults;
  readonly #ledger: Pick<Ledger, 'kept'>;
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();
  readonly #own = new Set<Pick<Upstream, 'silence'> & { readonly user: UpstreamUser; readonly socket: Socket }>();

  constructor(faults: Faults, ledger: Pick<Ledger, 'kept'>) {
    this.#faults = faults;
    this.#ledger = ledger;
    this.sessions = new UpstreamSessions(faults);
  }

  get size(): number {
    return this.#all.size + this.#own.size + this.sessions.size;
  }

  /** `key` is `address:port`. */
  acquire(key: string, user: Http1User): Upstream {
    const idle = this.#idle.get(key)?.pop();
    if (idle !== undefined) this.#ledger.kept -= idleBytes;
    const upstream = idle ?? this.#create(key);
    upstream.user = user;
    upstream.silence.restart();
    return upstream;
  }

  /** How many endpoints there are idle connections to, or may be again. */
  get known(): number {
    return this.#idle.size;
  }

  /** After a complete answer. */
  release(upstream: Upstream): void {
    if (!this.#all.has(upstream)) return;
    upstream.user = undefined;
    upstream.served = true;
    this.#ledger.kept += idleBytes;
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) this.#idle.set(upstream.key, [upstream]);
    else idle.push(upstream);
  }

  /** Whatever it was doing ends; its request hears of it. */
  discard(upstream: Upstream, reason: Error): void {
    // Not in the middle of undici's own bookkeeping, from where we are called.
    if (!this.#all.delete(upstream)) return;
    process.nextTick(guard(upstream, () => upstream.client.destroy(reason, ignore)));
    this.#leaveIdle(upstream);
  }

  /** Closes idle ones to an endpoint. */
  discardIdle(key: string): void {
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    this.#ledger.kept -= (idle?.length ?? 0) * idleBytes;
    for (const upstream of idle ?? []) this.discard(upstream, new Error(`${key} broke off`));
    this.sessions.discardIdle(key);
  }

  /**
   * A connection that is one user's alone, and looked after until it closes. Each of its directions ends by itself.
   */
  open({ address: host, port }: Endpoint, user: UpstreamUser, callback: Connected): Socket {
    const socket = new Socket({ ...socketOptions, allowHalfOpen: true });
    connectWithin(socket, { host, port }, user, { ...user.connecting(), callback });
    const own = { socket, user, silence: new Silence() };
    this.#own.add(own);
    listenOnce(socket, 'close', user, () => void this.#own.delete(own));
    return socket;
  }

  /** Calls users of connections on which nothing moves. */
  endSilent(nowMs: number): void {
    for (const connections of [this.#all, this.#own]) {
      for (const { user, socket, silence } of connections) {
        if (user === undefined || socket === undefined) continue;
        const forMs = silence.forMs(bytesOf(socket), nowMs);
        this.#look(user, forMs, nowMs);
      }
    }
    this.sessions.look(nowMs);
  }

  /** A user that throws leaves the others to be called. */
  #look(user: UpstreamUser, forMs: number, nowMs: number): void {
    try {
      user.look(nowMs);
      if (forMs > 0) user.silent(forMs);
    } catch (error) {
      user.broke(error);
    }
  }

  close(): void {
    for (const upstream of this.#all) upstream.client.destroy(new Error('the DLX stops'), ignore);
    for (const { socket } of this.#own) socket?.destroy();
    this.sessions.close();
    this.#all.clear();
    this.#idle.clear();
  }

  #create(key: string): Upstream {
    const client = new Client(`http://${key}`, {
      pipelining: 1,
      allowH2: false,
      // undici's timers are set and cleared with each message; `endSilent` does their work.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: 65_536,
      connect: ({ hostname, port }, callback) => {
        const to = { host: hostname, port: Number(port === '' ? 80 : port) };
        const connecting = upstream.user?.connecting() ?? unused;
        upstream.socket = new UpstreamSocket(upstream);
        connectWithin(upstream.socket, to, upstream, { ...connecting, callback });
      },
    });
    const upstream: Upstream = {
      key,
      client,
      socket: undefined,
      user: undefined,
      served: false,
      silence: new Silence(),
      hasTooMany: (chunk) => upstream.user?.hasTooMany(chunk) === true,
      broke: (error) => this.#broke(upstream, error),
    };
    this.#all.add(upstream);
    listen(client, 'disconnect', upstream, () => this.#disconnected(upstream));
    return upstream;
  }

  /** undici or we threw at what its endpoint sent: it ends, and so does the request that it carries. */
  #broke(upstream: Upstream, error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    if (upstream.user === undefined) this.#faults.report(error, 'connection');
    else upstream.user.broke(error);
    this.discard(upstream, reason);
    upstream.socket?.destroy();
  }

  #disconnected(upstream: Upstream): void {
    if (upstream.user !== undefined || !this.#all.delete(upstream)) return;
    this.#leaveIdle(upstream);
    upstream.client.destroy(ignore);
  }

  /** Nothing is remembered of an address without connections: addresses come and go, with pods. */
  #leaveIdle(upstream: Upstream): void {
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) return;
    const at = idle.indexOf(upstream);
    if (at !== -1) {
      idle.splice(at, 1);
      this.#ledger.kept -= idleBytes;
    }
    if (idle.length === 0) this.#idle.delete(upstream.key);
  }
}

function ignore(): void {
  // The request itself reports it.
}
