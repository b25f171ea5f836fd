import type { StoreEvent } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import type { Clock } from '@scaler/scaler-types';
import type { Stores } from './stores.ts';

/** When workloads were last updated by another client, as far as this process has seen: a new image, another template. */
export type Updates = ReturnType<typeof createUpdates>;

/** Listens to the workloads' watches, as long as they run. */
export function createUpdates({ workloads }: Pick<Stores, 'workloads'>, clock: Clock) {
  const seen = new Map<string, number>();
  const listener = (event: StoreEvent<Workload>): void => {
    if (event.type === 'deleted') seen.delete(event.object.uid);
    if (event.type === 'updated' && isUpdate(event.previous, event.object)) seen.set(event.object.uid, clock.now());
  };
  for (const { store } of workloads) store.subscribe(listener);
  return {
    /** On the wall clock; undefined: not seen. */
    lastOf: (uid: string): number | undefined => seen.get(uid),
  };
}

// Labels and annotations do not move the generation, and one step of it that moved the replicas moved nothing else.
function isUpdate(before: Workload, after: Workload): boolean {
  const steps = after.generation - before.generation;
  return before.uid === after.uid && steps > (before.replicas === after.replicas ? 0 : 1);
}
