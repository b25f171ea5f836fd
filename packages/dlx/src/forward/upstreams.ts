import { connect, type Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { Client } from 'undici';
import { Silence } from '../silence.ts';

const keepAliveMs = 4000;

/** Who sends a request over a connection to an endpoint. */
export interface UpstreamUser {
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
  readonly silence: Silence;
}

/**
 * Connections to endpoints, each with one request at a time. The one that was used last is used next: it is the
 * likeliest to stand still, and the others close by themselves. Nothing queues here: what may run at once is the
 * hold's decision.
 */
export class Upstreams {
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();
  readonly #own = new Set<Pick<Upstream, 'socket' | 'user' | 'silence'>>();

  get size(): number {
    return this.#all.size;
  }

  /** `key` is `address:port`; a new connection has to stand within the limit. */
  acquire(key: string, user: UpstreamUser, connectTimeoutMs: number): Upstream {
    const upstream = this.#idle.get(key)?.pop() ?? this.#create(key, connectTimeoutMs);
    upstream.user = user;
    upstream.silence.restart();
    return upstream;
  }

  /** After a complete answer. */
  release(upstream: Upstream): void {
    if (!this.#all.has(upstream)) return;
    upstream.user = undefined;
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) this.#idle.set(upstream.key, [upstream]);
    else idle.push(upstream);
  }

  /** Whatever it was doing ends; its request hears of it. */
  discard(upstream: Upstream, reason: Error): void {
    // Not in the middle of undici's own bookkeeping, from where we are called.
    if (this.#all.delete(upstream)) process.nextTick(() => upstream.client.destroy(reason, ignore));
  }

  /**
   * A connection that is one user's alone, and looked after until it closes. Each of its directions ends by itself.
   */
  open(
    { address: host, port }: Endpoint,
    user: UpstreamUser,
    connectTimeoutMs: number,
    callback: (...args: [null, Socket] | [Error, null]) => void,
  ): Socket {
    const socket = connectWithin({ host, port, allowHalfOpen: true }, connectTimeoutMs, callback);
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
        const forMs = silence.forMs(socket, nowMs);
        if (forMs > 0) user.silent(forMs);
      }
    }
  }

  close(): void {
    for (const upstream of this.#all) upstream.client.destroy(new Error('the DLX stops'), ignore);
    for (const { socket } of this.#own) socket?.destroy();
    this.#all.clear();
    this.#idle.clear();
  }

  #create(key: string, connectTimeoutMs: number): Upstream {
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
        upstream.socket = connectWithin(to, connectTimeoutMs, callback);
      },
    });
    const upstream: Upstream = { key, client, socket: undefined, user: undefined, silence: new Silence() };
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

function connectWithin(
  { host, port, allowHalfOpen = false }: { host: string; port: number; allowHalfOpen?: boolean },
  timeoutMs: number,
  callback: (...args: [null, Socket] | [Error, null]) => void,
): Socket {
  const socket = connect({ host, port, allowHalfOpen, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  const timer = setTimeout(() => {
    socket.destroy(
      Object.assign(new Error(`no connection to ${host}:${port} in ${timeoutMs} ms`), { code: 'ETIMEDOUT' }),
    );
  }, timeoutMs);
  const onError = (error: Error): void => callback(error, null);
  socket.once('error', onError);
  socket.once('close', () => clearTimeout(timer));
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.off('error', onError);
    callback(null, socket);
  });
  return socket;
}

function ignore(): void {
  // Told again by the request itself.
}
