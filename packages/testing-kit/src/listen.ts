import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Listens, and resolves with the port. @throws the listener's error, for example EADDRINUSE. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port, backlog: 4096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
