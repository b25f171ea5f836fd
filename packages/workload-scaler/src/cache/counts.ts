import type { Workload } from '../workload/workload.ts';
import type { WorkloadStore } from './stores.ts';

/**
 * How many replicas a workload had before another client set them to 0: the token does not say, it was awake. Kept by
 * this process alone; a process that did not see it happen has the count of the last transition.
 */
export function createCounts(stores: readonly WorkloadStore[]) {
  const zeroed = new Map<string, number>();
  for (const { store } of stores) {
    store.subscribe((event) => {
      const { uid, replicas } = event.object;
      if (event.type === 'deleted' || replicas > 0) zeroed.delete(uid);
      else if (event.type === 'updated' && event.previous.replicas > 0) zeroed.set(uid, event.previous.replicas);
    });
  }
  return {
    /** Undefined: not known, or it has replicas. */
    before: ({ uid, namespace, name, replicas }: Workload): number | undefined => {
      if (replicas > 0) return undefined;
      // It was read live, and the watch has not come so far.
      const cached = stores.map(({ store }) => store.get(namespace, name)).find((one) => one?.uid === uid);
      return cached !== undefined && cached.replicas > 0 ? cached.replicas : zeroed.get(uid);
    },
  };
}

export type Counts = ReturnType<typeof createCounts>;
