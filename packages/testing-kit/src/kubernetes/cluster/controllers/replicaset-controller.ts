import { enqueueOwner, keyOf, type MakeControl, ownedBy } from './controller.ts';
import type { NewObject, ObjectMeta } from '../../api/object.ts';
import {
  byDeletionOrder,
  controllerReference,
  hasLabels,
  isActive,
  isAvailable,
  isReady,
  sameJson,
  withoutZeros,
} from '../object-state.ts';
import { type Pod, pods, type PodTemplate, type ReplicaSet, replicaSets } from '../objects.ts';
import { randomSuffix } from './template-hash.ts';

/** ReplicaSet → Pods. */
export const controlReplicaSets: MakeControl = ({ store, clock, enqueue }) => {
  const resize = (set: ReplicaSet, active: readonly Pod[]): void => {
    const { name, namespace = '' } = set.metadata;
    const missing = (set.spec.replicas ?? 1) - active.length;
    for (let i = 0; i < missing; i++) {
      const ownerReferences = [controllerReference(set)];
      store.create(pods, podFrom(set.spec.template, { name: `${name}-${randomSuffix()}`, namespace, ownerReferences }));
    }
    if (missing >= 0) return;
    for (const pod of [...active].sort(byDeletionOrder).slice(0, -missing)) {
      store.delete(pods, namespace, pod.metadata.name);
    }
  };

  const report = (set: ReplicaSet, counted: readonly Pod[]): void => {
    const minReady = set.spec.minReadySeconds ?? 0;
    const available = counted.filter((pod) => isAvailable(pod, minReady, clock.now())).length;
    const ready = counted.filter(isReady).length;
    if (available < ready) enqueue(keyOf(set), 1_000);
    const labels = set.spec.template.metadata?.labels ?? {};
    const labeled = counted.filter((pod) => hasLabels(pod.metadata.labels, labels)).length;
    const status = {
      replicas: counted.length,
      ...withoutZeros({ fullyLabeledReplicas: labeled, readyReplicas: ready, availableReplicas: available }),
      observedGeneration: set.metadata.generation,
    };
    if (!sameJson(status, set.status)) store.update(replicaSets, { ...set, status }, { subresource: 'status' });
  };

  return {
    reconcile(namespace, name) {
      const set = store.find<ReplicaSet>(replicaSets, namespace, name);
      if (set === undefined) return;
      const active = ownedBy<Pod>(store, pods, set).filter(isActive);
      if (set.metadata.deletionTimestamp === undefined) resize(set, active);
      // As the real one: the counts are those from before the pods were made or deleted, under the new generation.
      report(set, active);
    },
    watch: () => [
      store.watch(replicaSets, ({ object }) => enqueue(keyOf(object))),
      store.watch(pods, ({ object }) => enqueueOwner(enqueue, object, 'ReplicaSet')),
    ],
  };
};

/** A pod as its workload makes it. */
export function podFrom({ metadata, spec }: PodTemplate, own: Partial<ObjectMeta>): NewObject {
  return { metadata: { ...metadata, ...own }, spec };
}
