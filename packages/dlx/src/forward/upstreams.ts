import { Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { Client } from 'undici';
import { UpstreamSessions } from '../http2/upstream-sessions.ts';
import { bytesOf, Silence } from '../silence.ts';
import { socketOptions, UpstreamSocket } from './upstream-socket.ts';

const keepAliveMs = 4000;
/** Node's timers fire at once beyond it. */
const longestTimerMs = 2 ** 31 - 1;
/** For a connection whose user left before it was begun. */
const unused = { timeoutMs: 1, settleMs: 0 };

type Connected = (...args: [null, Socket] | [Error, null]) => void;

/** How a connection is made. */
export interface Connecting {
  /** It has to stand by then. */
  readonly timeoutMs: number;
  /** It has to stand for so long before it is used. */
  readonly settleMs: number;
}

/** Who sends a request over a connection to an endpoint. */
export interface UpstreamUser {
  /** Asked when a new connection is made. */
  connecting(): Connecting;
  /** No byte has moved between us and the endpoint for so long. */
  silent(forMs: number): void;
}

/** One connection to an endpoint, or the way to one. */
export interface Upstream {
  readonly key: string;
  readonly client: Client;
  socket: Socket | undefined;
  /** Who has it now; undefined: nobody. */
  user: UpstreamUser | undefined;
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
  /** Those in HTTP/2, which requests share. */
  readonly sessions = new UpstreamSessions();
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();
  readonly #own = new Set<Pick<Upstream, 'socket' | 'user' | 'silence'>>();

  get size(): number {
    return this.#all.size + this.#own.size + this.sessions.size;
  }

  /** `key` is `address:port`. */
  acquire(key: string, user: UpstreamUser): Upstream {
    const upstream = this.#idle.get(key)?.pop() ?? this.#create(key);
    upstream.user = user;
    upstream.silence.restart();
    return upstream;
  }

  /** After a complete answer. */
  release(upstream: Upstream): void {
    if (!this.#all.has(upstream)) return;
    upstream.user = undefined;
    upstream.served = true;
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) this.#idle.set(upstream.key, [upstream]);
    else idle.push(upstream);
  }

  /** Whatever it was doing ends; its request hears of it. */
  discard(upstream: Upstream, reason: Error): void {
    // Not in the middle of undici's own bookkeeping, from where we are called.
    if (this.#all.delete(upstream)) process.nextTick(() => upstream.client.destroy(reason, ignore));
  }

  /** Closes those to an endpoint that nobody uses. */
  discardIdle(key: string): void {
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    for (const upstream of idle ?? []) this.discard(upstream, new Error(`${key} broke off`));
    this.sessions.discardIdle(key);
  }

  /**
   * A connection that is one user's alone, and looked after until it closes. Each of its directions ends by itself.
   */
  open({ address: host, port }: Endpoint, user: UpstreamUser, callback: Connected): Socket {
    const socket = new Socket({ ...socketOptions, allowHalfOpen: true });
    connectWithin(socket, { host, port }, user.connecting(), callback);
    const own = { socket, user, silence: new Silence() };
    this.#own.add(own);
    socket.once('close', () => this.#own.delete(own));
    return socket;
  }

  /** Tells users of connections on which nothing moves. */
  endSilent(nowMs: number): void {
    for (const connections of [this.#all, this.#own]) {
      for (const { user, socket, silence } of connections) {
        if (user === undefined || socket === undefined) continue;
        const forMs = silence.forMs(bytesOf(socket), nowMs);
        if (forMs > 0) user.silent(forMs);
      }
    }
    this.sessions.look(nowMs);
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
        upstream.socket = new UpstreamSocket();
        connectWithin(upstream.socket, to, connecting, callback);
      },
    });
    const upstream: Upstream = {
      key,
      client,
      socket: undefined,
      user: undefined,
      served: false,
      silence: new Silence(),
    };
    this.#all.add(upstream);
    client.on('disconnect', () => this.#disconnected(upstream));
    return upstream;
  }

  #disconnected(upstream: Upstream): void {
    if (upstream.user !== undefined || !this.#all.delete(upstream)) return;
    const idle = this.#idle.get(upstream.key) ?? [];
    idle.splice(idle.indexOf(upstream), 1);
    if (idle.length === 0) this.#idle.delete(upstream.key);
    upstream.client.destroy(ignore);
  }
}

export function connectWithin(
  socket: Socket,
  { host, port }: { host: string; port: number },
  { timeoutMs, settleMs }: Connecting,
  callback: Connected,
): void {
  socket.connect({ host, port });
  let told = false;
  const failed = (error: Error): void => {
    if (told) return;
    told = true;
    callback(error, null);
  };
  const stands = (): void => {
    if (told || socket.destroyed) return;
    told = true;
    socket.off('error', failed);
    callback(null, socket);
  };
  const late = (): void => {
    if (socket.connecting) socket.destroy(lateError(`${host}:${port}`, timeoutMs));
  };
  // A process that was busy itself hears of a connection that stands only after its timers.
  let timer = setTimeout(() => setImmediate(late), Math.min(timeoutMs, longestTimerMs));
  socket.once('error', failed);
  socket.once('close', () => {
    clearTimeout(timer);
    failed(new Error(`${host}:${port} closed the connection before anything was sent`));
  });
  socket.once('connect', () => {
    clearTimeout(timer);
    if (settleMs === 0) stands();
    // What came in meanwhile is read before the immediate.
    else timer = setTimeout(() => setImmediate(stands), settleMs);
  });
}

function lateError(where: string, timeoutMs: number): Error {
  return Object.assign(new Error(`no connection to ${where} in ${timeoutMs} ms`), { code: 'ETIMEDOUT' });
}

function ignore(): void {
  // Told again by the request itself.
}
