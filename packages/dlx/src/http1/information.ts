import type { ServerResponse } from 'node:http';
import { hintsOf } from '../head/informed.ts';
import { readResponseHead } from '../head/response-head.ts';

/**
 * Passes on a 1xx of an endpoint, by its raw fields, as far as Node can write it. `leftOut` gets the error of a hint
 * that it cannot.
 */
export function writeInformation(
  res: ServerResponse,
  status: number,
  raw: readonly (Buffer | string)[],
  leftOut: (error: unknown) => void,
): void {
  if (status === 102) res.writeProcessing();
  if (status !== 103) return;
  const hints = hintsOf(readResponseHead(raw).fields);
  try {
    if ('link' in hints) res.writeEarlyHints(hints);
  } catch (error) {
    // Node passes well-formed links only; a hint may be left out.
    leftOut(error);
  }
}
