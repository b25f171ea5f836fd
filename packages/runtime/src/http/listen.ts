import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RuntimeError } from '../errors.ts';

/** The host and port that a server listens on. */
export interface ListenAddress {
  host: string;
  port: number;
}

/**
 * Makes a server listen.
 *
 * @throws RuntimeError `listen-failed` that names the server, the address and the cause.
 */
export function listen(server: Server, name: string, { host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    // The listener stays: a connection that cannot be accepted is an error too, and without a listener it ends the process.
    server.on('error', (error: Error) => reject(listenError(name, { host, port }, error)));
    server.listen({ host, port }, () => resolve({ host, port: (server.address() as AddressInfo).port }));
  });
}

export function listenError(name: string, { host, port }: ListenAddress, cause: Error): RuntimeError {
  const code = (cause as NodeJS.ErrnoException).code ?? cause.message;
  return new RuntimeError('listen-failed', `the ${name} server cannot listen on ${host}:${port}: ${code}`, { cause });
}
