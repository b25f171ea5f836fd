import { connect, type Socket } from 'node:net';

export interface SpliceEvents {
  readonly onConnected: () => void;
  /** The backend refused or could not be reached. */
  readonly onFailed: () => void;
  /** Both sides are gone; called once, after a connect that succeeded. */
  readonly onClosed: () => void;
}

/**
 * Joins a client to a backend, as address translation would: half-closed stays half-closed, a reset is passed on, and
 * a backend that refuses is a reset for the client. Nothing is retried.
 */
export function splice(client: Socket, host: string, port: number, events: SpliceEvents): void {
  const backend = connect({ host, port, allowHalfOpen: true, noDelay: true });
  let connected = false;
  client.setNoDelay(true);
  client.on('error', () => backend.resetAndDestroy());
  client.on('close', () => backend.destroy());
  backend.on('connect', () => {
    connected = true;
    events.onConnected();
    client.pipe(backend);
    backend.pipe(client);
  });
  backend.on('error', () => {
    if (!connected) events.onFailed();
    client.resetAndDestroy();
  });
  backend.on('close', () => {
    if (connected) events.onClosed();
    client.destroy();
  });
}
