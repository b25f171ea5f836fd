import { connect, type Socket } from 'node:net';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '@scaler/kube';

/**
 * How long a TCP connect to a pod may take. Shorter than a lost SYN's retransmission (1 s): a pod whose network has
 * just been set up is asked anew instead of waited for.
 */
const connectLimitMs = 250;

/** Opens a TCP connection to a pod; it breaks when it is not there within {@link connectLimitMs}. */
export function openSocket(address: string, port: number, clock: Clock): Socket {
  const socket = connect({ host: address, port, noDelay: true });
  limitConnect(socket, clock);
  return socket;
}

/** Destroys a socket that is not connected within {@link connectLimitMs}. */
export function limitConnect(socket: Socket, clock: Clock): void {
  if (!socket.connecting) return;
  const cancel = clock.after(connectLimitMs, () => {
    socket.destroy(new KubeError('timeout', `No connection within ${connectLimitMs} ms`));
  });
  socket.once('connect', cancel).once('close', cancel);
}

/**
 * Connects once, and closes.
 *
 * @throws why there is no connection.
 */
export function connectOnce(address: string, port: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = openSocket(address, port, clock);
    const onAbort = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      resolve();
      socket.end();
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      reject(new KubeError('connection', 'The connection closed before it was open'));
    });
  });
}
