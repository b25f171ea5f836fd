import type { Socket } from 'node:net';
import { type Clock, type Endpoint, errorCode } from '@scaler/scaler-types';
import { Client, type Dispatcher } from 'undici';
import type { Faults } from '../ledger/accounting.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type Breakable, guard, listen, listenOnce } from '../sockets/guard.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';
import type { EndpointState } from './endpoint-state.ts';
import { crowdedMs, type KeepAlive } from './keep-alive.ts';
import { EndpointSocket, type SocketOwner, UpstreamSocket } from './upstream-socket.ts';

/** Node's timers fire at once beyond it. */
const longestTimerMs = 2 ** 31 - 1;

export type Connected = (...args: [null, Socket] | [Error, null]) => void;

/** How a connection is made. */
export interface Connecting {
  /** It has to stand by then. */
  readonly timeoutMs: number;
  /** It has to stand for so long before it is used. */
  readonly settleMs: number;
}

/** Connects, and calls back once; where that throws, or anything here, the owner ends. */
export function connectWithin(
  socket: Socket,
  { host, port }: { host: string; port: number },
  owner: Breakable,
  { timeoutMs, settleMs, callback }: Connecting & { readonly callback: Connected },
): void {
  socket.connect({ host, port });
  let settled = false;
  const fail = (error: Error): void => {
    if (settled) return;
    settled = true;
    callback(error, null);
  };
  const failed = listenOnce(socket, 'error', owner, fail);
  const stands = guard(owner, () => {
    if (settled || socket.destroyed) return;
    settled = true;
    socket.off('error', failed);
    callback(null, socket);
  });
  const late = guard(owner, () => {
    if (socket.connecting) socket.destroy(lateError(`${host}:${port}`, timeoutMs));
  });
  // A process that was busy itself hears of a connection that stands only after its timers.
  let timer = setTimeout(setImmediate, Math.min(timeoutMs, longestTimerMs), late);
  listenOnce(socket, 'close', owner, () => {
    clearTimeout(timer);
    fail(new Error(`${host}:${port} closed the connection before anything was sent`));
  });
  listenOnce(socket, 'connect', owner, () => {
    clearTimeout(timer);
    if (settleMs === 0) stands();
    // Bytes that came in meanwhile are read before the immediate.
    else timer = setTimeout(setImmediate, settleMs, stands);
  });
}

function lateError(where: string, timeoutMs: number): Error {
  return Object.assign(new Error(`no connection to ${where} in ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
}

/** undici's own limit, for one that is longer than any of ours; it closes sooner where `Keep-Alive` says so. */
const longestKeptMs = 600_000;
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
export interface Http1User extends UpstreamUser, SocketOwner {
  /** How long its connection is asked to be kept behind it; 0: not at all. */
  readonly keepMs: number;
  /** Whether its request may be sent twice. */
  readonly repeatable: boolean;
}

/** One connection to an endpoint, or the way to one. */
export interface Upstream extends SocketOwner {
  readonly key: string;
  readonly client: Client;
  socket: UpstreamSocket | undefined;
  /** Its user now; undefined: it is idle. */
  user: Http1User | undefined;
  readonly keepAlive: KeepAlive;
  /** Has carried a whole answer. */
  served: boolean;
  /** Monotonic; since when it is idle, or was before its user came. */
  idleSinceMs: number;
  /** For how long it was idle before its user came. */
  idleMs: number;
  /** Idle, it is kept for so long. */
  keptMs: number;
  /** It ends with its user's request. */
  isLast: boolean;
  readonly silence: Silence;
}

/**
 * Connections to endpoints in HTTP/1, and raw ones, each with one request at a time. The one that was used last is used
 * next: it is the likeliest to stand still, and the others are closed in time. Nothing queues here: what may run at once is the
 * hold's decision.
 */
export class Upstreams {
  readonly #faults: Faults;
  readonly #ledger: Pick<Ledger, 'kept'>;
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();
  readonly #own = new Set<Pick<Upstream, 'silence'> & { readonly user: UpstreamUser; readonly socket: Socket }>();
  readonly #clock: Pick<Clock, 'monotonic'>;

  constructor(faults: Faults, ledger: Pick<Ledger, 'kept'>, clock: Pick<Clock, 'monotonic'>) {
    this.#faults = faults;
    this.#ledger = ledger;
    this.#clock = clock;
  }

  get size(): number {
    return this.#all.size + this.#own.size;
  }

  /** One that may be used again, or a new one. */
  acquire(state: EndpointState, user: Http1User): Upstream {
    const nowMs = this.#clock.monotonic();
    const upstream = this.#idleFor(state, user, nowMs) ?? this.#create(state, nowMs);
    upstream.idleMs = nowMs - upstream.idleSinceMs;
    upstream.isLast = user.keepMs === 0 || upstream.keepAlive.isAlone(nowMs);
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
    const { keepAlive, user } = upstream;
    const nowMs = this.#clock.monotonic();
    this.#answered(upstream, nowMs);
    upstream.user = undefined;
    upstream.idleSinceMs = nowMs;
    upstream.keptMs = keepAlive.keepMs(user?.keepMs ?? 0, nowMs);
    if (upstream.isLast || keepAlive.isAlone(nowMs)) {
      this.discard(upstream, new Error(`${upstream.key} gets one request by each connection`));
      return;
    }
    this.#ledger.kept += idleBytes;
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) this.#idle.set(upstream.key, [upstream]);
    else idle.push(upstream);
  }

  /** Whatever it was doing ends; its request hears of it. */
  discard(upstream: Upstream, reason: Error): void {
    // Not in the middle of undici's own bookkeeping, from where we are called.
    if (!this.#leave(upstream)) return;
    process.nextTick(guard(upstream, () => upstream.client.destroy(reason, ignore)));
  }

  /** Closes idle ones to an endpoint. */
  discardIdle(key: string): void {
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    this.#ledger.kept -= (idle?.length ?? 0) * idleBytes;
    for (const upstream of idle ?? []) this.discard(upstream, new Error(`${key} broke off`));
  }

  /**
   * A connection that is one user's alone, and looked after until it closes. Each of its directions ends by itself.
   */
  open({ address: host, port }: Endpoint, user: UpstreamUser, callback: Connected): Socket {
    const socket = new EndpointSocket({ allowHalfOpen: true });
    connectWithin(socket, { host, port }, user, { ...user.connecting(), callback });
    const own = { socket, user, silence: new Silence() };
    this.#own.add(own);
    listenOnce(socket, 'close', user, () => void this.#own.delete(own));
    return socket;
  }

  /** Calls users of connections on which nothing moves, and closes those that were idle for long enough. */
  endSilent(nowMs: number): void {
    for (const { user, socket, silence } of this.#own) this.#look(user, silence.forMs(bytesOf(socket), nowMs), nowMs);
    for (const upstream of this.#all) {
      const { user, socket, silence } = upstream;
      if (user === undefined) {
        if (nowMs - upstream.idleSinceMs > upstream.keptMs) this.discard(upstream, new Error('it was idle'));
      } else if (socket !== undefined) {
        const forMs = silence.forMs(bytesOf(socket), nowMs);
        if (forMs >= crowdedMs && !upstream.served) this.#makeRoom(upstream, nowMs);
        this.#look(user, forMs, nowMs);
      }
    }
  }

  /** Its endpoint took it, and says nothing: an app that serves one at a time waits for the end of another. */
  #makeRoom({ key, keepAlive, socket }: Upstream, nowMs: number): void {
    if (socket?.connecting !== false || socket.bytesRead > 0 || !keepAlive.isFull) return;
    keepAlive.crowded(nowMs);
    this.discardIdle(key);
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
    this.#all.clear();
    this.#idle.clear();
  }

  /** The one that was used last, if it may be used again; none of the others may where it must not. */
  #idleFor({ key, keepAlive }: EndpointState, { keepMs, repeatable }: Http1User, nowMs: number): Upstream | undefined {
    const idle = this.#idle.get(key);
    const upstream = idle?.at(-1);
    if (upstream === undefined || keepMs === 0 || keepAlive.isAlone(nowMs)) return undefined;
    if (!keepAlive.mayReuse(nowMs - upstream.idleSinceMs, keepMs, repeatable, nowMs)) return undefined;
    idle?.pop();
    this.#ledger.kept -= idleBytes;
    return upstream;
  }

  #create({ key, keepAlive }: EndpointState, nowMs: number): Upstream {
    const client = new Client(`http://${key}`, {
      pipelining: 1,
      allowH2: false,
      // undici's timers are set and cleared with each message; `endSilent` does their work.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: longestKeptMs,
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
      keepAlive,
      served: false,
      idleSinceMs: nowMs,
      idleMs: 0,
      keptMs: 0,
      isLast: false,
      silence: new Silence(),
      mend: (chunk) => upstream.user?.mend(chunk) ?? chunk,
      broke: (error) => this.#broke(upstream, error),
    };
    this.#all.add(upstream);
    listen(client, 'disconnect', upstream, (_url: URL, _of: unknown, error: Error) =>
      this.#disconnected(upstream, error),
    );
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

  #disconnected(upstream: Upstream, error: Error): void {
    const { keepAlive } = upstream;
    const nowMs = this.#clock.monotonic();
    if (upstream.user !== undefined && this.#all.has(upstream)) {
      // undici makes another in its place.
      if (upstream.served) keepAlive.left(nowMs);
      upstream.served = false;
      upstream.idleSinceMs = nowMs;
      return;
    }
    if (!this.#leave(upstream)) return;
    // Else it is undici's own end, as the answer asked for.
    if (errorCode(error) !== 'UND_ERR_INFO') keepAlive.closed(nowMs - upstream.idleSinceMs, nowMs);
    upstream.client.destroy(ignore);
  }

  /** It had a whole answer. */
  #answered(upstream: Upstream, nowMs: number): void {
    const { keepAlive } = upstream;
    if (upstream.served) return;
    upstream.served = true;
    keepAlive.answered(nowMs - upstream.idleSinceMs, nowMs);
    keepAlive.standing += 1;
  }

  #leave(upstream: Upstream): boolean {
    if (!this.#all.delete(upstream)) return false;
    if (upstream.served) upstream.keepAlive.left(this.#clock.monotonic());
    this.#leaveIdle(upstream);
    return true;
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

/** Sends its user's request; the endpoint is told if it is the connection's last. */
export function sendBy(
  { client, isLast }: Upstream,
  options: Dispatcher.DispatchOptions,
  user: Dispatcher.DispatchHandler,
): void {
  if (isLast) options.reset = true;
  client.dispatch(options, user);
}
