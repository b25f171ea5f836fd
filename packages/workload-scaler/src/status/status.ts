import { resourceKey, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { Status } from './changes.ts';
import type { Facts } from '../machine/facts.ts';
import { again, observe, type Sources, tokenFacts, nothingWanted, provide, type Wanted } from '../observe/observe.ts';
import { leadingOf, cachedSnapshot, type Snapshot } from '../cache/snapshot.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import { isContested } from '../ports/ports.ts';
import { type Blocker, blockedReason, ownerBlockers, parkBlockers } from '../machine/blockers.ts';
import { routingMode } from '../machine/divertible.ts';
import { remnant, resourceOf } from './resource.ts';
import { nextStep, repair } from '../machine/table.ts';

/** What a status is gathered from. */
export interface StatusSources extends Sources, Pick<Dependencies, 'role' | 'parks'> {}

/** A resource as the stores have it, and what is to be done so that it stays true. Pure, as observing is. */
export function observeStatus(deps: StatusSources, ref: ResourceRef): Status & { readonly wanted: Wanted } {
  const snapshot = cachedSnapshot(deps, ref);
  const { managed } = snapshot;
  if (managed === undefined) {
    const left = deps.role === 'autoscaler' && snapshot.services.length > 0;
    const resource = left ? remnant(ref.namespace, ref.name) : undefined;
    return { resource, due: left, wanted: nothingWanted() };
  }
  // The DLX neither parks nor repairs: what stands in the way of it is not its business.
  if (deps.role === 'dlx') {
    const wanted = nothingWanted();
    return { resource: describe(deps, { snapshot, managed, facts: undefined, wanted }), due: false, wanted };
  }
  const { facts, wanted } = observe(deps, snapshot);
  const rests = nextStep(facts, repair).do === 'rest';
  if (deps.uninstall !== undefined && rests) return { resource: undefined, due: false, wanted };
  const due = (!rests || isContested(deps, managed.workload)) && !deps.parks.has(resourceKey(ref));
  return { resource: describe(deps, { snapshot, managed, facts, wanted }), due, wanted };
}

/** A resource as the stores have it; does what observing asks for. */
export function statusOf(deps: Dependencies, ref: ResourceRef): Status {
  const { wanted, ...status } = observeStatus(deps, ref);
  provide(deps, { ref }, wanted);
  return status;
}

/** What a resource is described from; `facts`: those of the autoscaler. */
interface Looked {
  readonly snapshot: Snapshot;
  readonly managed: Managed;
  readonly facts: Facts | undefined;
  readonly wanted: Wanted;
}

function describe(deps: StatusSources, looked: Looked): Resource {
  const { snapshot, managed } = looked;
  const services = leadingOf(snapshot);
  return resourceOf(
    {
      managed,
      services,
      ingresses: deps.lookup.acceptedIngresses(managed, services),
      httpRoutes: deps.lookup.httpRoutesOf(managed, services),
      // The autoscaler's side of it is in the facts.
      slicesOf: deps.role === 'dlx' ? (name) => deps.lookup.slicesOf(snapshot.ref.namespace, name) : undefined,
      mode: routingMode(managed.settings, services, managed.workload),
      blocked: blockedReason(blockersOf(deps, looked, services.length)),
      divertedForMs: divertedForMs(deps, looked),
      updatedMs: deps.history.updatedMs(managed.workload.uid),
    },
    deps.options,
  );
}

function blockersOf(deps: StatusSources, { snapshot, managed, facts }: Looked, services: number): readonly Blocker[] {
  const beside = { problems: managed.problems, services, dlxNamed: deps.dlx !== undefined };
  if (facts === undefined) return ownerBlockers(tokenFacts(deps, managed), beside);
  return parkBlockers(facts, { ...beside, contested: deps.conflicts.of(snapshot.ref)?.text });
}

// The DLX's count is evidence only once nothing has passed it by for a whole idle time. That is for the autoscaler to
// judge: the DLX itself asks whether who leaves it would come back.
function divertedForMs({ role, memory }: StatusSources, { snapshot, managed, wanted }: Looked): number {
  const { ref, services } = snapshot;
  const { settings } = managed;
  const keyed = services.filter(({ ours }) => ours);
  const closed = keyed.length > 0 && keyed.every(({ service }) => service?.selector?.['scaler/asleep'] !== undefined);
  if (role === 'dlx') return closed ? Infinity : -1;
  const path = [`path ${resourceKey(ref)}`, closed ? 'closed' : 'open'] as const;
  wanted.seen.push(path);
  if (!closed) return -1;
  const forMs = memory.age(...path);
  if (forMs < settings.idleAfterMs) again(wanted, settings.idleAfterMs - forMs);
  return forMs;
}
