import { resourceKey, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { News } from './changes.ts';
import type { Facts } from './facts.ts';
import { factsOf, leadingOf, rivalOf } from './gather.ts';
import type { Ground } from './ground.ts';
import type { Managed } from './lookup.ts';
import { isContested } from './ports.ts';
import { routingMode } from './refusal.ts';
import { remnant, resourceOf } from './resources.ts';
import { cachedSnapshot, type Snapshot } from './snapshot.ts';
import { nextStep, repair } from './table.ts';

/** What there is to say about a resource, from the stores. */
export function newsOf(ground: Ground, ref: ResourceRef): News {
  const snapshot = cachedSnapshot(ground, ref);
  const { managed } = snapshot;
  if (managed === undefined) {
    const left = ground.role === 'autoscaler' && snapshot.services.length > 0;
    return { resource: left ? remnant(ref.namespace, ref.name) : undefined, due: left };
  }
  // The DLX neither parks nor repairs: what stands in the way of it is not its business.
  if (ground.role === 'dlx') return { resource: describe(ground, snapshot, managed, undefined), due: false };
  const facts = factsOf(ground, snapshot);
  if (ground.uninstall !== undefined && nextStep(facts, repair).do === 'rest')
    return { resource: undefined, due: false };
  const work = nextStep(facts, repair).do !== 'rest' || isContested(ground, managed.workload);
  const due = work && !ground.parks.has(resourceKey(ref));
  return { resource: describe(ground, snapshot, managed, facts), due };
}

function describe(ground: Ground, snapshot: Snapshot, managed: Managed, facts: Facts | undefined): Resource {
  const services = leadingOf(snapshot);
  return resourceOf(
    {
      managed,
      services,
      ingresses: ground.lookup.acceptedIngresses(managed, services),
      httpRoutes: ground.lookup.httpRoutesOf(managed, services),
      // The autoscaler's side of it is in the facts.
      slicesOf: ground.role === 'dlx' ? (name) => ground.lookup.slicesOf(snapshot.ref.namespace, name) : undefined,
      mode: routingMode(managed.settings, services),
      obstacle: facts && (obstacleOf(facts, ground) ?? rivalOf(ground, snapshot.ref)?.text),
      divertedForMs: divertedForMs(ground, snapshot, managed),
      updatedMs: ground.updates.lastOf(managed.workload.uid),
    },
    ground.options,
  );
}

function obstacleOf(
  { refused, dlx, workload, mode, services, reachable, wishes }: Facts,
  ground: Ground,
): string | undefined {
  if (refused !== undefined) return refused;
  if (ground.dlx === undefined) return 'no DLX Service is named, so nothing could hold its requests';
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
  { role, memory, lookAgain }: Ground,
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
