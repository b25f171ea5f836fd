import { none } from '../figure.ts';
import type { DlxProcess } from '../processes/dlx.ts';
import type { Figure } from '../scenario.ts';

/** Every request that was accepted has ended in an outcome. Asked once the clients are gone. */
export async function outcomesMissing(dlx: DlxProcess): Promise<Figure> {
  const counted = await dlx
    .until('all have ended', ({ accepted, sum }) => accepted === sum, 5_000)
    .catch(() => dlx.outcomes());
  return none('outcomes missing', counted.accepted - counted.sum);
}
