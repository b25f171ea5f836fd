import type { Socket } from 'node:net';
import { type Breakable, heedErrors, ignoreErrors, listen } from '../sockets/guard.ts';
import { dialectOf } from '../tcp/dialect.ts';

/** The protocol that a connection speaks. */
export type Spoken = 'http1' | 'http2' | 'tcp';

/** How every connection in HTTP/2 begins, as far as is needed; no HTTP/1 request can begin so. */
const preface = Buffer.from('PRI * HTTP/2.0');

/**
 * Finds what a connection speaks by its first bytes, which are left unread; `tcp` only where it `sniffs`. A connection
 * that ends or breaks before that is closed, without a call.
 */
export function peek(
  owner: Breakable & { readonly socket: Socket },
  sniffs: boolean,
  onSpoken: (spoken: Spoken) => void,
): void {
  const { socket } = owner;
  let seen: Buffer | undefined;
  const look = listen(socket, 'readable', owner, () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const spoken = spokenBy(seen, sniffs);
    if (spoken === undefined) return;
    socket.off('readable', look).off('end', end);
    heedErrors(socket);
    socket.unshift(seen);
    onSpoken(spoken);
  });
  const end = listen(socket, 'end', owner, () => void socket.end());
  ignoreErrors(socket);
}

/** Undefined: too few bytes. */
function spokenBy(seen: Buffer, sniffs: boolean): Spoken | undefined {
  const known = Math.min(seen.length, preface.length);
  if (seen.compare(preface, 0, known, 0, known) === 0) return known < preface.length ? undefined : 'http2';
  const dialect = sniffs ? dialectOf(seen) : undefined;
  if (dialect === 'more') return undefined;
  return dialect === undefined ? 'http1' : 'tcp';
}
