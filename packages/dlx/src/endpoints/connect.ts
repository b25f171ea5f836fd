import type { Socket } from 'node:net';
import { type Breakable, guard, listenOnce } from '../sockets/guard.ts';

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
