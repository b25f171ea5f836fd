import { resourceKey, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { News } from './changes.ts';
import type { Facts } from '../machine/facts.ts';
import { factsOf, leadingOf, rivalOf } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { isContested } from '../ports/ports.ts';
import { routingMode } from '../machine/refusal.ts';
import { remnant, resourceOf } from './resource.ts';
import { cachedSnapshot, type Snapshot } from '../cache/snapshot.ts';
import { nextStep, repair } from '../machine/table.ts';

/** What there is to say about a resource, from the stores. */
export function newsOf(deps: Dependencies, ref: ResourceRef): News {
  const snapshot = cachedSnapshot(deps, ref);
  const { managed } = snapshot;
  if (managed === undefined) {
    const left = deps.role === 'autoscaler' && snapshot.services.length > 0;
    return { resource: left ? remnant(ref.namespace, ref.name) : undefined, due: left };
  }
  // The DLX neither parks nor repairs: what stands in the way of it is not its business.
  if (deps.role === 'dlx') return { resource: describe(deps, snapshot, managed, undefined), due: false };
  const facts = factsOf(deps, snapshot);
  if (deps.uninstall !== undefined && nextStep(facts, repair).do === 'rest') return { resource: undefined, due: false };
  const work = nextStep(facts, repair).do !== 'rest' || isContested(deps, managed.workload);
  const due = work && !deps.parks.has(resourceKey(ref));
  return { resource: describe(deps, snapshot, managed, facts), due };
}

function describe(deps: Dependencies, snapshot: Snapshot, managed: Managed, facts: Facts | undefined): Resource {
  const services = leadingOf(snapshot);
  return resourceOf(
    {
      managed,
      services,
      ingresses: deps.lookup.acceptedIngresses(managed, services),
      httpRoutes: deps.lookup.httpRoutesOf(managed, services),
      // The autoscaler's side of it is in the facts.
      slicesOf: deps.role === 'dlx' ? (name) => deps.lookup.slicesOf(snapshot.ref.namespace, name) : undefined,
      mode: routingMode(managed.settings, services),
      obstacle: facts && (obstacleOf(facts, deps) ?? rivalOf(deps, snapshot.ref)?.text),
      divertedForMs: divertedForMs(deps, snapshot, managed),
      updatedMs: deps.updates.lastOf(managed.workload.uid),
    },
    deps.options,
  );
}

function obstacleOf(
  { refused, dlx, workload, mode, services, reachable, wishes }: Facts,
  deps: Dependencies,
): string | undefined {
  if (refused !== undefined) return refused;
  if (deps.dlx === undefined) return 'no DLX Service is named, so nothing could hold its requests';
  if (dlx === 'gone') return 'there is no DLX';
  // A dry run writes neither: it goes on from what would be there.
  if (workload?.phase === undefined && !wishes.dryRun) return 'its state is not known yet';
  if (!workload?.portsLabelled && !wishes.dryRun) return 'a port of its Services has no port of the DLX yet';
  if (dlx === 'none') return 'no DLX listens on its ports yet';
  const closed = services.every(({ ours, slices, key }) => !ours || (slices !== 'none' && key !== undefined));
  if (mode !== 'always' || closed || workload?.phase !== 'awake') return undefined;
  return reachable === false ? 'the DLX does not reach its pods' : 'the DLX is not in its path yet';
}

// The DLX's count is evidence only once nothing has passed it by for a whole idle time. That is for the autoscaler to
// judge: the DLX itself asks whether who leaves it would come back.
function divertedForMs(
  { role, memory, lookAgain }: Dependencies,
  { ref, services }: Snapshot,
  { settings }: Managed,
): number {
  const keyed = services.filter(({ ours }) => ours);
  const closed = keyed.length > 0 && keyed.every(({ service }) => service?.selector?.['scaler/asleep'] !== undefined);
  if (role === 'dlx') return closed ? Infinity : -1;
  const forMs = memory.observe(`path ${resourceKey(ref)}`, closed ? 'closed' : 'open');
  if (!closed) return -1;
  if (forMs < settings.idleAfterMs) lookAgain(ref, settings.idleAfterMs - forMs);
  return forMs;
}
