import { resourceKey, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { News } from './changes.ts';
import type { Facts } from '../machine/facts.ts';
import { factsOf, leadingOf, rivalOf, tokenFacts } from '../observe/observe.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { isContested } from '../ports/ports.ts';
import { type Blocker, blockedReason, ownerBlockers, parkBlockers } from '../machine/blockers.ts';
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
      blocked: blockedReason(blockersOf(deps, snapshot, managed, facts)),
      divertedForMs: divertedForMs(deps, snapshot, managed),
      updatedMs: deps.updates.lastOf(managed.workload.uid),
    },
    deps.options,
  );
}

function blockersOf(
  deps: Dependencies,
  snapshot: Snapshot,
  managed: Managed,
  facts: Facts | undefined,
): readonly Blocker[] {
  const beside = {
    problems: managed.problems,
    services: leadingOf(snapshot).length,
    dlxNamed: deps.dlx !== undefined,
  };
  if (facts === undefined) return ownerBlockers(tokenFacts(deps, managed), beside);
  return parkBlockers(facts, { ...beside, contested: rivalOf(deps, snapshot.ref)?.text });
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
