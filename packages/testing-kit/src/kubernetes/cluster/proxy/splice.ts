import { connect, type Socket } from 'node:net';

/** `failed`: the backend refused or could not be reached. `closed`: both sides are gone, after a connect that succeeded. */
type SpliceEvent = 'connected' | 'failed' | 'closed';

/**
 * Joins a client to a backend, as address translation would: half-closed stays half-closed, a reset is passed on, and
 * a backend that refuses is a reset for the client. Nothing is retried.
 */
export function splice(client: Socket, address: string, onEvent: (event: SpliceEvent) => void): void {
  const [host = '', port] = address.split(':');
  const backend = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  let connected = false;
  client.setNoDelay(true);
  client.on('error', () => backend.resetAndDestroy());
  client.on('close', () => backend.destroy());
  backend.on('connect', () => {
    connected = true;
    onEvent('connected');
    client.pipe(backend);
    backend.pipe(client);
  });
  backend.on('error', () => {
    if (!connected) onEvent('failed');
    client.resetAndDestroy();
  });
  backend.on('close', () => {
    if (connected) onEvent('closed');
    client.destroy();
  });
}
