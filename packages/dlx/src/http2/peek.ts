import type { Socket } from 'node:net';

/** How every connection in HTTP/2 begins, as far as it tells; no HTTP/1 request can. */
const preface = Buffer.from('PRI * HTTP/2.0');

/**
 * Tells whether a connection speaks HTTP/2, by its first bytes, which are left unread. One that ends or breaks before
 * that is told nothing of, and closed.
 */
export function peek(socket: Socket, tell: (http2: boolean) => void): void {
  let seen: Buffer | undefined;
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const known = Math.min(seen.length, preface.length);
    const same = seen.compare(preface, 0, known, 0, known) === 0;
    if (same && known < preface.length) return;
    socket.off('readable', look).off('end', end).off('error', ignore);
    socket.unshift(seen);
    tell(same);
  };
  const end = (): void => void socket.end();
  socket.on('readable', look).on('end', end).on('error', ignore);
}

function ignore(): void {
  // 'close' follows.
}
