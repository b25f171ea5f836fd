import { BoundedMap } from '@scaler/async';
import { digest } from '../workload/keys.ts';
import { resourceKey } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { type EventReason, pointOut } from './announce.ts';
import type { Facts } from '../machine/facts.ts';
import type { Step } from '../machine/step.ts';

/** Beyond it nothing is still on its way: what is applied together comes one after the other. */
const lastingMs = 30_000;

interface Standing {
  readonly text: string;
  readonly sinceMs: number;
  reported: boolean;
}

const mostBytes = 4 * 1024 * 1024;

/**
 * Tells the owner of a workload why it is never put to sleep, once for each text, when it is asked again half a minute later
 * or more: what is at rest is looked at every one to three minutes.
 */
export function createBlockedReporter(deps: Pick<Dependencies, 'announce' | 'clock' | 'warnOwner'>) {
  const standing = new BoundedMap<Standing>({ mostBytes });
  return (managed: Managed, reason: string | undefined): void => {
    const { workload } = managed;
    const key = resourceKey(workload);
    if (reason === undefined) {
      standing.delete(key);
      return;
    }
    const text = digest(`${workload.uid} ${reason}`);
    const nowMs = deps.clock.monotonic();
    const known = standing.get(key);
    if (known?.text !== text) {
      standing.set(key, { text, sinceMs: nowMs, reported: false }, workload.namespace, 2 * key.length + 100);
    } else if (!known.reported && nowMs - known.sinceMs >= lastingMs) {
      known.reported = true;
      pointOut(deps, managed, 'CannotSleep', reason);
    }
  };
}

export type ReportOutage = ReturnType<typeof createOutageReporter>;

/**
 * Tells the owner of a workload that there is no DLX, or that an uninstall does not wait for its pods any more, at the first
 * step that this makes necessary; once per outage.
 */
export function createOutageReporter(deps: Dependencies) {
  const reported = new Set<string>();
  return (managed: Managed, facts: Facts, step: Step): void => {
    const hasty = deps.uninstall?.hasty === true;
    if (!hasty && !deps.isDlxGone()) reported.clear();
    const key = resourceKey(managed.workload);
    if (facts.dlx !== 'gone' || reported.has(key)) return;
    const news = hasty ? notUp(facts, step) : dlxGone(facts, step);
    if (news === undefined) return;
    reported.add(key);
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
