import { isKubeError, kinds, type KubeClient, slicesOfService } from '@scaler/kube';
import { isOurs, type SliceInfo, trimSlice } from '../routing/slices.ts';
import { readWorkload, type Workload } from '../workload/workload.ts';
import { type ServiceInfo, trimService, serviceProblems } from '../routing/service-info.ts';
import type { WorkloadKinds } from '../workload/kind.ts';
import type { Stores } from './stores.ts';
import type { ResourceRef } from '@scaler/scaler-types';
import { isEnabled, leadsTo, type Lookup, type Managed } from './lookup.ts';
import type { ServiceSnapshot } from '../routing/routing.ts';

/** What snapshots are taken from. */
export interface SnapshotSources {
  readonly client: KubeClient;
  readonly kinds: WorkloadKinds;
  readonly lookup: Lookup;
  readonly stores: Pick<Stores, 'services'>;
  /** Takes each workload that was read. */
  readonly endpoints: { observe(workload: Workload): void };
}

/** One resource as it was read. */
export interface Snapshot {
  readonly ref: ResourceRef;
  /** Undefined: there is no workload of that name, or it is being deleted. */
  readonly managed: Managed | undefined;
  /** Those that lead to it, and those that carry something of ours for it. */
  readonly services: readonly ServiceSnapshot[];
  /** Every fact in it came from the API just now. */
  readonly live: boolean;
}

/** From the stores: cheap, and perhaps out of date. */
export function cachedSnapshot(
  { lookup, stores }: Pick<SnapshotSources, 'lookup' | 'stores'>,
  ref: ResourceRef,
): Snapshot {
  const managed = present(lookup.managed(ref));
  const leading = managed === undefined ? [] : lookup.servicesOf(managed);
  const strays = lookup.straysOf(ref, leading);
  const names = [...leading.map(({ name }) => name), ...strays];
  const services = names.map((name) => {
    const service = stores.services.get(ref.namespace, name);
    return view(managed, name, service, lookup.slicesOf(ref.namespace, name));
  });
  return { ref, managed, services, live: false };
}

/**
 * From the API. Which Services to read comes from the stores.
 *
 * @throws KubeError when something cannot be read.
 */
export async function liveSnapshot(sources: SnapshotSources, ref: ResourceRef, signal: AbortSignal): Promise<Snapshot> {
  const { client, lookup } = sources;
  const { namespace } = ref;
  const managed = present(await readManaged(sources, ref, signal));
  const leading = managed === undefined ? [] : lookup.servicesOf(managed).map(({ name }) => name);
  const named = managed?.settings.services ?? [];
  const own = new Set([...leading, ...named]);
  const strays = lookup.straysOf(ref, []).filter((name) => !own.has(name));
  const services = await Promise.all(
    [...own, ...strays].map(async (name) => {
      // In this order: slices that say at which version a key may come are never younger than the Service beside them.
      const slices = await readSlices(client, { namespace, name }, signal);
      const service = await readService(client, { namespace, name }, signal);
      return view(managed, name, service, slices);
    }),
  );
  const worthIt = services.filter(({ service, slices }) => service !== undefined || slices.some(isOurs));
  return { ref, managed, services: worthIt, live: true };
}

/** Reads a workload live, of whatever kind it is. */
export async function readManaged(
  { client, kinds: managedKinds, lookup, endpoints }: SnapshotSources,
  ref: ResourceRef,
  signal: AbortSignal,
  lane: 'wake' | 'normal' = 'normal',
): Promise<Managed | undefined> {
  const known = lookup.managed(ref);
  const candidates: WorkloadKinds = known === undefined ? managedKinds : [known.kind];
  const found = await Promise.all(
    candidates.map(async (kind) => {
      const workload = await readWorkload(client, kind, ref, { signal, lane });
      if (workload === undefined) return undefined;
      endpoints.observe(workload);
      return lookup.describe(kind, workload);
    }),
  );
  const all = found.filter((one) => one !== undefined);
  return all.find(({ workload }) => isEnabled(workload)) ?? all[0];
}

function present(managed: Managed | undefined): Managed | undefined {
  return managed?.workload.deleting === true ? undefined : managed;
}

function view(
  managed: Managed | undefined,
  name: string,
  service: ServiceInfo | undefined,
  slices: readonly SliceInfo[],
): ServiceSnapshot {
  const leads = service !== undefined && managed !== undefined && leadsTo(service, managed);
  return { name, service, slices, leads, ours: leads && serviceProblems(service).length === 0 };
}

/** A live read; undefined when there is none. @throws KubeError for everything else. */
export async function readService(
  client: KubeClient,
  ref: ResourceRef,
  signal: AbortSignal,
): Promise<ServiceInfo | undefined> {
  try {
    return trimService(await client.get(kinds.service, ref, { signal }));
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function readSlices(
  client: KubeClient,
  { namespace, name }: ResourceRef,
  signal: AbortSignal,
): Promise<readonly SliceInfo[]> {
  const of = { namespace, labelSelector: slicesOfService(name), trim: trimSlice };
  return (await client.list(kinds.endpointSlice, { ...of, signal, lane: 'normal' })).items;
}

/** The Services that lead to the resource. */
export function leadingOf({ services }: Snapshot): readonly ServiceInfo[] {
  return services.flatMap(({ service, leads }) => (service !== undefined && leads ? [service] : []));
}
