import { resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { keys } from '../workload/keys.ts';
import type { Workload } from '../workload/workload.ts';
import { qualifiedResource, type WorkloadKind } from '../workload/kind.ts';
import { isOlder, type Store, type StoreEvent } from '@scaler/kube';

/** A store of one kind of workload. */
export interface WorkloadSource {
  readonly kind: WorkloadKind;
  readonly store: Store<Workload>;
}

/** The newest that is known of each workload: what the stores say, or what was read or written live since. */
export function createWorkloadViews(
  sources: readonly WorkloadSource[],
  choose: (ref: ResourceRef) => Workload | undefined = (ref) => firstManaged(sources, ref),
) {
  // Only what the stores have not caught up with yet.
  const observed = new Map<string, Workload>();
  return {
    latest: (ref: ResourceRef): Workload | undefined => {
      const known = choose(ref);
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
      sources.find(({ kind }) => qualifiedResource(kind.kind) === resource)?.kind,
  };
}

export type WorkloadViews = ReturnType<typeof createWorkloadViews>;

function firstManaged(sources: readonly WorkloadSource[], { namespace, name }: ResourceRef): Workload | undefined {
  const found = sources.flatMap(({ store }) => store.get(namespace, name) ?? []);
  return found.find(({ labels }) => labels[keys.enabled] === 'true') ?? found[0];
}
