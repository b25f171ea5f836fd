import { createServer, type Server, type Socket } from 'node:net';
import type { CancelTimer, Clock, Logger } from '@scaler/scaler-types';
import { backlog } from './data-server.ts';

export interface ListenersOptions {
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A connection came in on a port. */
  readonly accept: (socket: Socket, port: number) => void;
  /** A port that is no longer allocated stays open so long: clients may still be on their way. Default: 30000. */
  readonly lingerMs?: number;
}

const retryMs = 1000;

interface Listener {
  server: Server | undefined;
  listening: boolean;
  cancel: CancelTimer | undefined;
}

/** One listener for each port that was allocated to a target; all feed the one HTTP server. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #ports = new Map<number, Listener>();
  /** Kept apart: it is asked for every second, and there are tens of thousands of ports. */
  readonly #failures = new Map<number, string>();
  #closed = false;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  isListening(port: number): boolean {
    return this.#ports.get(port)?.listening === true;
  }

  /** Ports that cannot be listened on, with the reason. They are tried again every second. */
  failures(): { port: number; reason: string }[] {
    return Array.from(this.#failures, ([port, reason]) => ({ port, reason }));
  }

  /** Listens on these, and after a while no longer on others. */
  sync(ports: Iterable<number>): void {
    if (this.#closed) return;
    const wanted = new Set(ports);
    for (const port of wanted) {
      const known = this.#ports.get(port);
      if (known === undefined) this.#open(port);
      else if (known.listening) {
        known.cancel?.();
        known.cancel = undefined;
      }
    }
    for (const [port, listener] of this.#ports) if (!wanted.has(port)) this.#closeLater(port, listener);
  }

  /** No more connections; those that stand go on. */
  close(): void {
    this.#closed = true;
    for (const [port, listener] of this.#ports) this.#close(port, listener);
  }

  #open(port: number): void {
    const listener: Listener = { server: undefined, listening: false, cancel: undefined };
    this.#ports.set(port, listener);
    this.#listen(port, listener);
  }

  #listen(port: number, listener: Listener): void {
    const { host, clock, logger, accept } = this.#options;
    // As http's own: half-open, so that an answer reaches a client that closed its side.
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      accept(socket, port),
    );
    listener.server = server;
    listener.cancel = undefined;
    server.on('error', (error) => {
      listener.listening = false;
      server.close();
      if (this.#ports.get(port) !== listener) return;
      if (!this.#failures.has(port)) logger.warn('cannot listen on a port', { port, err: error });
      this.#failures.set(port, `port ${port}: ${error.message}`);
      listener.cancel = clock.after(retryMs, () => this.#listen(port, listener));
    });
    server.listen({ host, port, backlog }, () => {
      listener.listening = true;
      this.#failures.delete(port);
    });
  }

  #closeLater(port: number, listener: Listener): void {
    if (!listener.listening) this.#close(port, listener);
    else
      listener.cancel ??= this.#options.clock.after(this.#options.lingerMs ?? 30_000, () =>
        this.#close(port, listener),
      );
  }

  #close(port: number, listener: Listener): void {
    listener.cancel?.();
    listener.listening = false;
    this.#ports.delete(port);
    this.#failures.delete(port);
    listener.server?.close();
  }
}
