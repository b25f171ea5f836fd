import { resourceKey, type ResourceRef } from '@scaler/scaler-types';
import type { WorkloadStore } from '../cache/stores.ts';
import type { Workload } from '../workload/workload.ts';
import { qualifiedResource, type WorkloadKind } from '../workload/kind.ts';
import { isOlder, type StoreEvent } from '@scaler/kube';

/** The newest that is known of each workload: what the stores say, or what was read or written live since. */
export function createWorkloadViews({
  workloads,
  workloadOf,
}: {
  readonly workloads: readonly WorkloadStore[];
  readonly workloadOf: (ref: ResourceRef) => Workload | undefined;
}) {
  // Only what the stores have not caught up with yet.
  const observed = new Map<string, Workload>();
  return {
    latest: (ref: ResourceRef): Workload | undefined => {
      const known = workloadOf(ref);
      const live = observed.get(resourceKey(ref));
      if (live === undefined) return known;
      return known === undefined || isOlder(known.resourceVersion, live.resourceVersion) ? live : known;
    },
    observe: (workload: Workload): void => {
      const key = resourceKey(workload);
      if (!isOlder(workload.resourceVersion, observed.get(key)?.resourceVersion)) observed.set(key, workload);
    },
    /** Takes a store's event: what it has caught up with needs no remembering. */
    take: ({ type, object }: StoreEvent<Workload>): void => {
      const key = resourceKey(object);
      const live = observed.get(key);
      if (live === undefined) return;
      const ended = type === 'deleted' && live.uid === object.uid;
      if (ended || !isOlder(object.resourceVersion, live.resourceVersion)) observed.delete(key);
    },
    kindOf: ({ resource }: Workload): WorkloadKind | undefined =>
      workloads.find(({ kind }) => qualifiedResource(kind.kind) === resource)?.kind,
  };
}

export type WorkloadViews = ReturnType<typeof createWorkloadViews>;
