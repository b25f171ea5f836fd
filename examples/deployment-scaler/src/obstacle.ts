import { resourceKey } from '@scaler/scaler-types';
import type { Ground } from './ground.ts';
import type { Managed } from './lookup.ts';

/** Beyond it nothing is still on its way: what is applied together comes one after the other. */
const lastingMs = 30_000;

/**
 * Tells the owner of a workload why it is never put to sleep, once for each text, when it is asked again half a minute later
 * or more: what is at rest is looked at every one to three minutes.
 */
export type TellObstacle = (managed: Managed, obstacle: string | undefined) => void;

interface Standing {
  readonly text: string;
  readonly sinceMs: number;
  told: boolean;
}

export function createTellObstacle({
  announce,
  clock,
  logger,
}: Pick<Ground, 'announce' | 'clock' | 'logger'>): TellObstacle {
  const standing = new Map<string, Standing>();
  return (managed, obstacle) => {
    const { workload } = managed;
    const key = resourceKey(workload);
    if (obstacle === undefined) {
      standing.delete(key);
      return;
    }
    const text = `${workload.uid} ${obstacle}`;
    const nowMs = clock.monotonic();
    const known = standing.get(key);
    if (known?.text !== text) {
      standing.set(key, { text, sinceMs: nowMs, told: false });
    } else if (!known.told && nowMs - known.sinceMs >= lastingMs) {
      known.told = true;
      announce(managed, 'CannotSleep', obstacle);
      logger.warn('A workload needs its owner', { resource: key, reason: 'CannotSleep', message: obstacle });
    }
  };
}
