import type { Workload } from '../workload/workload.ts';
import type { Clock } from '@scaler/scaler-types';
import type { WorkloadStore } from './stores.ts';

export type History = ReturnType<typeof createHistory>;

/**
 * What other clients did to workloads, as far as this process has seen. It listens to the workloads' watches, as long as they
 * run.
 */
export function createHistory(stores: readonly WorkloadStore[], clock: Clock) {
  const zeroed = new Map<string, number>();
  const updated = new Map<string, number>();
  for (const { store } of stores) {
    store.subscribe((event) => {
      const { uid, replicas } = event.object;
      if (event.type === 'deleted' || replicas > 0) zeroed.delete(uid);
      if (event.type === 'deleted') updated.delete(uid);
      if (event.type !== 'updated') return;
      if (replicas === 0 && event.previous.replicas > 0) zeroed.set(uid, event.previous.replicas);
      if (isUpdate(event.previous, event.object)) updated.set(uid, clock.now());
    });
  }
  return {
    /**
     * How many replicas it had before another client set them to 0: the token does not say, it was awake. Undefined: not known,
     * or it has replicas. A process that did not see it happen has the count of the last transition.
     */
    replicasBefore: ({ uid, namespace, name, replicas }: Workload): number | undefined => {
      if (replicas > 0) return undefined;
      // It was read live, and the watch has not come so far.
      const cached = stores.map(({ store }) => store.get(namespace, name)).find((one) => one?.uid === uid);
      return cached !== undefined && cached.replicas > 0 ? cached.replicas : zeroed.get(uid);
    },
    /** When it was last updated, on the wall clock: a new image, another template. Undefined: not seen. */
    updatedMs: (uid: string): number | undefined => updated.get(uid),
  };
}

// Labels and annotations do not move the generation, and one step of it that moved the replicas moved nothing else.
function isUpdate(before: Workload, after: Workload): boolean {
  const steps = after.generation - before.generation;
  return before.uid === after.uid && steps > (before.replicas === after.replicas ? 0 : 1);
}
