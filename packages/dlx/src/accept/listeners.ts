import { Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { CancelTimer, Clock, Logger } from '@scaler/scaler-types';
import { backlog, type DataServer } from './data-server.ts';

export interface ListenersOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the connections that come in. */
  readonly server: DataServer;
}

const retryMs = 1000;
/** Ports begun with in one turn of the event loop. What thousands leave behind at once, 25 MB, would outlive its youth. */
const portion = 100;

/**
 * One port's server. There are tens of thousands of them: few fields each, and neither functions nor listeners of
 * their own.
 */
class PortServer extends Server {
  readonly #listeners: Listeners;
  readonly port: number;
  /** Ends the wait for the next try. */
  cancel: CancelTimer | undefined = undefined;

  constructor(port: number, listeners: Listeners) {
    // As http's own: half-open, so that an answer reaches a client that closed its side.
    super({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    this.port = port;
    this.#listeners = listeners;
    // It has no listeners; Node's own table of them takes 180 bytes, and is made anew where it is missing.
    (this as { _events?: object | undefined })._events = undefined;
  }

  override emit(event: string | symbol, value?: unknown): boolean {
    const { server } = this.#listeners;
    try {
      if (event === 'connection') server.accept(value as Socket, this.port);
      // From a server that listens it means a connection that could not be accepted.
      else if (event === 'error' && !this.listening) this.#listeners.failed(this, value as Error);
      else if (event === 'listening') this.#listeners.listening(this.port);
    } catch (error) {
      server.broke(error, value);
    }
    return true;
  }
}

/**
 * One listener for each port that is allocated to a target; all feed the one HTTP server. That a port is listened on
 * says that its target is known here, which is what a DLX is listed by: one that is forgotten is closed at once.
 */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #ports = new Map<number, PortServer>();
  /** Kept apart: it is asked for every second, and there are tens of thousands of ports. */
  readonly #failures = new Map<number, string>();
  /** Wanted, and still to be listened on. */
  readonly #untried = new Set<number>();
  #trying: Promise<void> | undefined;
  #closed = false;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  get server(): DataServer {
    return this.#options.server;
  }

  isListening(port: number): boolean {
    return this.#ports.get(port)?.listening === true;
  }

  /** Why ports cannot be listened on. They are tried again every second. */
  failures(): string[] {
    return [...this.#failures.values()];
  }

  /** Why a port cannot be listened on, if that is so. */
  failure(port: number): string | undefined {
    return this.#failures.get(port);
  }

  /** Listens on these, and no longer on others. Resolves once each of them was tried. */
  async sync(ports: Iterable<number>): Promise<void> {
    const wanted = new Set(ports);
    for (const server of this.#ports.values()) if (!wanted.has(server.port)) this.#close(server);
    for (const port of this.#untried) if (!wanted.has(port)) this.#untried.delete(port);
    for (const port of wanted) if (!this.#ports.has(port)) this.#untried.add(port);
    this.#trying ??= this.#tryAll().finally(() => (this.#trying = undefined));
    await this.#trying;
  }

  /** No more connections; those that stand go on. */
  close(): void {
    this.#closed = true;
    for (const server of this.#ports.values()) this.#close(server);
  }

  async #tryAll(): Promise<void> {
    let tried = 0;
    for (const port of this.#untried) {
      if (this.#closed) return;
      this.#untried.delete(port);
      this.#listen(port);
      if (++tried % portion === 0) await setImmediate();
    }
  }

  #listen(port: number): void {
    const server = new PortServer(port, this);
    this.#ports.set(port, server);
    server.listen({ host: this.#options.host, port, backlog });
  }

  /** A port is listened on. */
  listening(port: number): void {
    this.#failures.delete(port);
  }

  /** It cannot be, or one connection could not be accepted. */
  failed(server: PortServer, error: NodeJS.ErrnoException): void {
    const { port } = server;
    const { clock, logger } = this.#options;
    if (error.syscall === 'accept') {
      this.server.acceptFailed(error);
      return;
    }
    server.close();
    if (this.#ports.get(port) !== server) return;
    if (!this.#failures.has(port)) logger.warn('cannot listen on a port', { port, err: error });
    this.#failures.set(port, `port ${port}: ${error.message}`);
    server.cancel?.();
    server.cancel = clock.after(retryMs, () => this.#listen(port));
  }

  #close(server: PortServer): void {
    server.cancel?.();
    this.#ports.delete(server.port);
    this.#failures.delete(server.port);
    server.close();
  }
}
