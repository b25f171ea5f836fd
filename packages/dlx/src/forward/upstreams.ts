import { connect, type Socket } from 'node:net';
import { Client } from 'undici';

/** Times in milliseconds; 0: no limit. */
export interface UpstreamLimits {
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

const keepAliveMs = 4000;

/** One connection to an endpoint, or the way to one. */
export interface Upstream {
  readonly key: string;
  readonly client: Client;
  idle: boolean;
}

/**
 * Connections to endpoints, each with one request at a time. The one that was used last is used next: it is the
 * likeliest to stand still, and the others close by themselves. Nothing queues here: what may run at once is the
 * hold's decision.
 */
export class Upstreams {
  readonly #limits: UpstreamLimits;
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** `key` is `address:port`. */
  acquire(key: string): Upstream {
    const upstream = this.#idle.get(key)?.pop();
    if (upstream === undefined) return this.#create(key);
    upstream.idle = false;
    return upstream;
  }

  /** After a complete answer. */
  release(upstream: Upstream): void {
    if (!this.#all.has(upstream)) return;
    upstream.idle = true;
    const idle = this.#idle.get(upstream.key);
    if (idle === undefined) this.#idle.set(upstream.key, [upstream]);
    else idle.push(upstream);
  }

  /** Whatever it was doing ends; its request hears of it. */
  discard(upstream: Upstream, reason: Error): void {
    // Not in the middle of undici's own bookkeeping, from where we are called.
    if (this.#all.delete(upstream)) process.nextTick(() => upstream.client.destroy(reason, ignore));
  }

  close(): void {
    for (const upstream of this.#all) upstream.client.destroy(new Error('the DLX stops'), ignore);
    this.#all.clear();
    this.#idle.clear();
  }

  #create(key: string): Upstream {
    const { responseTimeoutMs, idleTimeoutMs, connectTimeoutMs } = this.#limits;
    const client = new Client(`http://${key}`, {
      pipelining: 1,
      allowH2: false,
      headersTimeout: responseTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: 65_536,
      connect: ({ hostname, port }, callback) => {
        connectWithin(hostname, Number(port === '' ? 80 : port), connectTimeoutMs, callback);
      },
    });
    const upstream: Upstream = { key, client, idle: false };
    this.#all.add(upstream);
    client.on('disconnect', () => this.#disconnected(upstream));
    return upstream;
  }

  #disconnected(upstream: Upstream): void {
    if (!upstream.idle || !this.#all.delete(upstream)) return;
    const idle = this.#idle.get(upstream.key) ?? [];
    idle.splice(idle.indexOf(upstream), 1);
    if (idle.length === 0) this.#idle.delete(upstream.key);
    upstream.client.destroy(ignore);
  }
}

function connectWithin(
  host: string,
  port: number,
  timeoutMs: number,
  callback: (...args: [null, Socket] | [Error, null]) => void,
): void {
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  const timer = setTimeout(() => {
    socket.destroy(
      Object.assign(new Error(`no connection to ${host}:${port} in ${timeoutMs} ms`), { code: 'ETIMEDOUT' }),
    );
  }, timeoutMs);
  const onError = (error: Error): void => {
    clearTimeout(timer);
    callback(error, null);
  };
  socket.once('error', onError);
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.off('error', onError);
    callback(null, socket);
  });
}

function ignore(): void {
  // Told again by the request itself.
}
