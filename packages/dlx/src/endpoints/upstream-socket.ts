import { Socket, type SocketConstructorOpts } from 'node:net';
import { WrittenChunks } from '../chunks/chunks.ts';
import type { Breakable } from '../sockets/guard.ts';

/** Of every connection to an endpoint. */
export const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

/**
 * A connection to an endpoint, whose words count more than whether it still listens: a server that answers before it has read
 * an upload, and closes, resets what is still written to it (RFC 9112 §9.6), and Node would throw away what it said before. So a
 * write that fails ends nothing; the reading side does, which has the answer, its end, or the reset, in this order.
 */
export class EndpointSocket extends Socket {
  constructor(options: SocketConstructorOpts = {}) {
    super({ ...socketOptions, ...options });
  }

  override destroy(error?: NodeJS.ErrnoException): this {
    if (error?.syscall !== 'write' || this.destroyed || this.readableEnded) return super.destroy(error);
    // Node's own reading ends at an error of either side; with its end as a reader it is closed.
    const state = this as unknown as { _readableState: { errored: Error | null }; writable: boolean };
    state._readableState.errored = null;
    state.writable = false;
    return this;
  }
}

/** Whose a connection is. */
export interface SocketOwner extends Breakable {
  /** What is to be parsed of bytes that came; empty: nothing yet. Throws where they cannot be passed on. */
  mend(chunk: Buffer): Buffer;
}

const nothing = Buffer.alloc(0);

/** The kernel writes each read here. One buffer for all connections: a read is copied before the next. */
const readInto = Buffer.allocUnsafeSlow(65_536);

/**
 * A connection to an endpoint that hands over what it reads at once, in memory of its own: a stream's queue and its turns
 * cost a twentieth of a small request. Until what came is taken, nothing more is read. It keeps the process alive until it
 * is ended by who made it.
 * See docs/decisions/raw-data-path.md.
 */
export class UpstreamSocket extends EndpointSocket {
  readonly #owner: SocketOwner;
  /** Read and not taken yet. */
  #came: Buffer | undefined;
  #stopped = false;
  #ended = false;
  readonly #written: WrittenChunks;

  /** The owner ends where a listener throws at what came: undici checks again what its parser lets through. */
  constructor(owner: SocketOwner) {
    super({
      onread: {
        buffer: readInto,
        callback: (length) => {
          const chunk = Buffer.allocUnsafe(length);
          readInto.copy(chunk, 0, 0, length);
          const came = this.#mend(chunk);
          if (came.length === 0) return !this.destroyed;
          this.#came = came;
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

  #mend(chunk: Buffer): Buffer {
    try {
      return this.#owner.mend(chunk);
    } catch (error) {
      this.destroy(error as Error);
      return nothing;
    }
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
