import { Server, type Socket } from 'node:net';
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

/** One port's server. There are tens of thousands of them: few fields each, and no functions of their own. */
class PortServer extends Server {
  readonly port: number;
  /** Ends the wait for its end, or for the next try. */
  cancel: CancelTimer | undefined = undefined;

  constructor(port: number) {
    // As http's own: half-open, so that an answer reaches a client that closed its side.
    super({ allowHalfOpen: true, noDelay: true, keepAlive: true });
    this.port = port;
  }
}

/** One listener for each port that was allocated to a target; all feed the one HTTP server. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #ports = new Map<number, PortServer>();
  /** Kept apart: it is asked for every second, and there are tens of thousands of ports. */
  readonly #failures = new Map<number, string>();
  readonly #onConnection: (this: PortServer, socket: Socket) => void;
  readonly #onError: (this: PortServer, error: Error) => void;
  readonly #onListening: (this: PortServer) => void;
  #closed = false;

  constructor(options: ListenersOptions) {
    this.#options = options;
    const failed = this.#failed.bind(this);
    const failures = this.#failures;
    this.#onConnection = function (socket) {
      options.accept(socket, this.port);
    };
    this.#onError = function (error) {
      failed(this, error);
    };
    this.#onListening = function () {
      failures.delete(this.port);
    };
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
      if (known === undefined) this.#listen(port);
      else if (known.listening) {
        known.cancel?.();
        known.cancel = undefined;
      }
    }
    for (const server of this.#ports.values()) if (!wanted.has(server.port)) this.#closeLater(server);
  }

  /** No more connections; those that stand go on. */
  close(): void {
    this.#closed = true;
    for (const server of this.#ports.values()) this.#close(server);
  }

  #listen(port: number): void {
    const server = new PortServer(port);
    this.#ports.set(port, server);
    server.on('connection', this.#onConnection);
    server.on('error', this.#onError);
    server.once('listening', this.#onListening);
    server.listen({ host: this.#options.host, port, backlog });
  }

  #failed(server: PortServer, error: Error): void {
    const { port } = server;
    const { clock, logger } = this.#options;
    server.close();
    if (this.#ports.get(port) !== server) return;
    if (!this.#failures.has(port)) logger.warn('cannot listen on a port', { port, err: error });
    this.#failures.set(port, `port ${port}: ${error.message}`);
    server.cancel?.();
    server.cancel = clock.after(retryMs, () => this.#listen(port));
  }

  #closeLater(server: PortServer): void {
    const { clock, lingerMs = 30_000 } = this.#options;
    if (!server.listening) this.#close(server);
    else server.cancel ??= clock.after(lingerMs, () => this.#close(server));
  }

  #close(server: PortServer): void {
    server.cancel?.();
    this.#ports.delete(server.port);
    this.#failures.delete(server.port);
    server.close();
  }
}
