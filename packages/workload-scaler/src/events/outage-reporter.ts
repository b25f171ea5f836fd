import { resourceKey } from '@scaler/scaler-types';
import type { EventReason } from './announce.ts';
import type { Facts } from '../machine/facts.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Step } from '../machine/step.ts';

/**
 * Tells the owner of a workload that there is no DLX, or that an uninstall does not wait for its pods any more, at the first
 * step that this makes necessary; once per outage.
 */
export type ReportOutage = (managed: Managed, facts: Facts, step: Step) => void;

export function createOutageReporter(deps: Dependencies): ReportOutage {
  const told = new Set<string>();
  return (managed, facts, step) => {
    const hasty = deps.uninstall?.hasty === true;
    if (!hasty && !deps.isDlxGone()) told.clear();
    const key = resourceKey(managed.workload);
    if (facts.dlx !== 'gone' || told.has(key)) return;
    const news = hasty ? notUp(facts, step) : dlxGone(facts, step);
    if (news === undefined) return;
    told.add(key);
    deps.announce(managed, ...news);
  };
}

type News = readonly [EventReason, string];

const isRestoring = (step: Step): boolean => step.do === 'remove-key' || step.do === 'delete-slices';

function dlxGone({ workload }: Facts, step: Step): News | undefined {
  const wakes = step.do === 'swap' && step.to === 'waking';
  // What is handed back after a wake had its Event by then.
  const restores = workload?.phase === 'awake' && isRestoring(step);
  if (!wakes && !restores) return undefined;
  const what = wakes ? 'it is started, and its Services lead to its pods' : 'its Services lead to its pods again';
  return ['DlxGone', `No DLX has been there for too long: ${what}`];
}

function notUp({ workload, usable }: Facts, step: Step): News | undefined {
  if (usable || workload?.phase !== 'waking' || !isRestoring(step)) return undefined;
  return ['NotUp', 'scaler is being uninstalled: its Services lead to its pods again, though none is ready yet'];
}
