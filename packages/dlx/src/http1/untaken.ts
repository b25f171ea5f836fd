import type { Socket } from 'node:net';
import { bodyAheadOf } from '../ledger/bounds.ts';
import type { Untaken } from '../ledger/waiting.ts';
import type { RawMessage } from './raw-message.ts';
import type { RequestBody } from './request-body.ts';

/** Bytes that are read of an endpoint's answer before it is read no further: three reads, two of them written already. */
export const readAhead = 196_608;

/**
 * Counts what waits of a request in HTTP/1; `paused`: its answer is read no further. `end` gets whether the client is
 * the one that takes nothing.
 */
export function untakenOf(
  {
    req,
    up,
    body,
    paused,
  }: { req: RawMessage; up: Socket | undefined; body: RequestBody | undefined; paused: boolean },
  end: (client: boolean) => void,
): Untaken {
  const down = req.socket.writableLength + (paused ? readAhead : 0);
  const unsent = body === undefined || up === undefined ? 0 : up.writableLength;
  const of = down > 0 || up === undefined ? req.socket : up;
  const taken = of.bytesWritten - of.writableLength;
  const read = body === undefined ? 0 : body.readableLength + req.unreadBytes;
  const bytes = down + unsent + read;
  const ahead = body === undefined || req.complete ? 0 : Math.max(0, bodyAheadOf(req.head) - read);
  return { bytes: down + unsent === 0 ? 0 : bytes, ahead, taken, end: () => end(down > 0) };
}
