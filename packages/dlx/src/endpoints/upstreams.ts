import { Socket } from 'node:net';
import type { Endpoint } from '@scaler/scaler-types';
import { Client } from 'undici';
import { WrittenChunks } from '../chunks/chunks.ts';
import { tooManyFields } from '../head/response-head.ts';
import type { Faults } from '../ledger/accounting.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type Breakable, guard, listen, listenOnce } from '../sockets/guard.ts';
import { bytesOf, Silence } from '../sockets/silence.ts';

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

/** Of every connection to an endpoint. */
export const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

/** In less, no head has so many fields that they cost much. */
const leastOfMany = 4096;

/** Whose a connection is. */
export interface SocketOwner extends Breakable {
  /** Whether a head with these bytes has too many fields to be parsed. */
  hasTooMany(chunk: Buffer): boolean;
}

/** The kernel writes each read here. One buffer for all connections: a read is copied before the next. */
const readInto = Buffer.allocUnsafeSlow(65_536);

/**
 * A connection to an endpoint that hands over what it reads at once, in memory of its own: a stream's queue and its turns
 * cost a twentieth of a small request. Until what came is taken, nothing more is read. It keeps the process alive until it
 * is ended by who made it.
 * See docs/decisions/raw-data-path.md.
 */
export class UpstreamSocket extends Socket {
  readonly #owner: SocketOwner;
  /** Read and not taken yet. */
  #came: Buffer | undefined;
  #stopped = false;
  #ended = false;
  readonly #written: WrittenChunks;

  /** The owner ends where a listener throws at what came: undici checks again what its parser lets through. */
  constructor(owner: SocketOwner) {
    super({
      ...socketOptions,
      onread: {
        buffer: readInto,
        callback: (length) => {
          const chunk = Buffer.allocUnsafe(length);
          readInto.copy(chunk, 0, 0, length);
          if (length >= leastOfMany && this.#owner.hasTooMany(chunk)) {
            this.destroy(new Error(tooManyFields));
            return false;
          }
          this.#came = chunk;
          this.emit('readable');
          // undici has taken it, or takes nothing now.
          this.#stopped = this.#came !== undefined;
          return !this.#stopped;
        },
      },
    });
    this.#owner = owner;
    const length = (): number => this.writableLength;
    const sink = {
      get writableLength(): number {
        return length();
      },
      write: (chunk: Buffer | string, encoding: BufferEncoding, taken?: (error?: Error | null) => void): boolean =>
        super.write(chunk, encoding, taken),
    };
    this.#written = new WrittenChunks(sink, owner, () => this.emit('drain'));
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    try {
      return super.emit(event, ...args);
    } catch (error) {
      this.#owner.broke(error);
      return true;
    }
  }

  override read(size?: number): Buffer | null {
    // Its begin and its end are the stream's.
    if (size === 0 || (this.#ended && this.#came === undefined)) return super.read(size) as Buffer | null;
    const chunk = this.#came ?? null;
    this.#came = undefined;
    if (this.#stopped) {
      this.#stopped = false;
      this._read(0);
    }
    return chunk;
  }

  override push(chunk: null): boolean {
    this.#ended = true;
    try {
      return super.push(chunk);
    } catch (error) {
      this.#owner.broke(error);
      return false;
    }
  }

  /** undici's own: it writes three chunks for each of a body, and looks at what the last returns. */
  override write(chunk: Buffer | string, encoding?: unknown): boolean {
    return this.#written.pass(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined);
  }

  override unshift(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#came = this.#came === undefined ? chunk : Buffer.concat([chunk, this.#came]);
  }

  /** undici's own, with each request: two calls into Node's core for nothing. */
  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }
}

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
 * Connections to endpoints in HTTP/1, and raw ones, each with one request at a time. The one that was used last is used next: it is the
 * likeliest to stand still, and the others close by themselves. Nothing queues here: what may run at once is the
 * hold's decision.
 */
export class Upstreams {
  readonly #faults: Faults;
  readonly #ledger: Pick<Ledger, 'kept'>;
  readonly #idle = new Map<string, Upstream[]>();
  readonly #all = new Set<Upstream>();
  readonly #own = new Set<Pick<Upstream, 'silence'> & { readonly user: UpstreamUser; readonly socket: Socket }>();

  constructor(faults: Faults, ledger: Pick<Ledger, 'kept'>) {
    this.#faults = faults;
    this.#ledger = ledger;
  }

  get size(): number {
    return this.#all.size + this.#own.size;
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
