import { none } from '../figure.ts';
import type { DlxProcess } from '../processes/dlx.ts';
import type { Figure } from '../scenario.ts';

/** The accepted requests that have not ended in an outcome, which must be 0. Ask once the clients have closed. */
export async function outcomesMissing(dlx: DlxProcess): Promise<Figure> {
  const counted = await dlx
    .until('all have ended', ({ accepted, sum }) => accepted === sum, 5_000)
    .catch(() => dlx.outcomes());
  return none('outcomes missing', counted.accepted - counted.sum);
}
