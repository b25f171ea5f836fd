import { BoundedMap } from '@scaler/async';
import { digest } from '../workload/keys.ts';
import { resourceKey } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';

/** Beyond it nothing is still on its way: what is applied together comes one after the other. */
const lastingMs = 30_000;

/**
 * Tells the owner of a workload why it is never put to sleep, once for each text, when it is asked again half a minute later
 * or more: what is at rest is looked at every one to three minutes.
 */
export type ReportBlocked = (managed: Managed, reason: string | undefined) => void;

interface Standing {
  readonly text: string;
  readonly sinceMs: number;
  reported: boolean;
}

const standingBytes = 4 * 1024 * 1024;

export function createBlockedReporter({
  announce,
  clock,
  warnOwner,
}: Pick<Dependencies, 'announce' | 'clock' | 'warnOwner'>): ReportBlocked {
  const standing = new BoundedMap<Standing>({ mostBytes: standingBytes });
  return (managed, reason) => {
    const { workload } = managed;
    const key = resourceKey(workload);
    if (reason === undefined) {
      standing.delete(key);
      return;
    }
    const text = digest(`${workload.uid} ${reason}`);
    const nowMs = clock.monotonic();
    const known = standing.get(key);
    if (known?.text !== text) {
      standing.set(key, { text, sinceMs: nowMs, reported: false }, workload.namespace, 2 * key.length + 100);
    } else if (!known.reported && nowMs - known.sinceMs >= lastingMs) {
      known.reported = true;
      announce(managed, 'CannotSleep', reason);
      warnOwner(workload.namespace, 'A workload needs its owner', {
        resource: key,
        reason: 'CannotSleep',
        message: reason,
      });
    }
  };
}
