import { resourceKey } from '@scaler/scaler-types';
import type { Facts } from './facts.ts';
import type { Ground } from './ground.ts';
import type { Managed } from './lookup.ts';
import type { Step } from './step.ts';

/** Tells the owner of a workload that there is no DLX, at the first step that this makes necessary; once per outage. */
export type TellOutage = (managed: Managed, facts: Facts, step: Step) => void;

export function createTellOutage(ground: Ground): TellOutage {
  const told = new Set<string>();
  return (managed, { dlx, workload }, step) => {
    if (!ground.isDlxGone()) told.clear();
    const key = resourceKey(managed.workload);
    if (dlx !== 'gone' || told.has(key)) return;
    const wakes = step.do === 'swap' && step.to === 'waking';
    // What is handed back after a wake was told of by then.
    const restores = workload?.phase === 'awake' && (step.do === 'remove-key' || step.do === 'delete-slices');
    if (!wakes && !restores) return;
    told.add(key);
    const what = wakes ? 'it is started, and its Services lead to its pods' : 'its Services lead to its pods again';
    ground.announce(managed, 'DlxGone', `No DLX has been there for too long: ${what}`);
  };
}
