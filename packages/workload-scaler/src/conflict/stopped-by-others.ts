import { fieldsIn, readToken } from '../workload/token.ts';
import { isOurs } from '../routing/slices.ts';
import { isZeroOfOthers } from '../machine/table.ts';
import { keys } from '../workload/keys.ts';
import { ownerIntentOf } from '../machine/facts.ts';
import type { ServiceSnapshot } from '../routing/routing.ts';
import type { Snapshot } from '../cache/snapshot.ts';

/**
 * Whether another client stopped it, and requests may wake it. Then its Services lead to the DLX whatever else is contested: there
 * are no pods that this cuts off, and without it every request would be refused.
 */
export function isStoppedByOthers({ managed, services }: Snapshot, nowMs: number): boolean {
  if (managed?.workload.replicas !== 0 || !managed.settings.followZero) return false;
  const { workload, settings } = managed;
  const { pause, dryRun } = ownerIntentOf(settings, nowMs);
  if (dryRun || pause === 'as-is') return false;
  const { phase } = readToken(workload);
  const mayBeOurs = phase === 'asleep' || (phase === undefined && services.some(isDiverted));
  const state = fieldsIn(workload.annotations[keys.state]);
  return !mayBeOurs || (state?.uid === workload.uid && isZeroOfOthers(state.reason));
}

function isDiverted({ service, slices }: ServiceSnapshot): boolean {
  return slices.some(isOurs) || service?.selector?.[keys.asleep] !== undefined;
}
