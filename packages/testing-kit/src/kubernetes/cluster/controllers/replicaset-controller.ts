import { sameJson } from '../conditions.ts';
import { type Controller, createController, keyOf } from './controller.ts';
import { type ControllerContext, enqueueOwner } from './deployment-controller.ts';
import type { Pod, PodTemplate, ReplicaSet, WorkloadStatus } from '../objects.ts';
import { byDeletionOrder, controllerOf, controllerReference, isActive, isAvailable, isReady } from '../pod-state.ts';
import { hasLabels } from '../selector.ts';
import { type ClusterStore, pods, replicaSets } from '../store.ts';
import { randomSuffix } from './template-hash.ts';

/** ReplicaSet → Pods. */
export function createReplicaSetController({ store, clock, lagMs, onError }: ControllerContext): Controller {
  const resize = (set: ReplicaSet, active: readonly Pod[]): void => {
    const { name = '', namespace = '' } = set.metadata;
    const missing = (set.spec.replicas ?? 1) - active.length;
    for (let i = 0; i < missing; i++) {
      const owner = controllerReference(set, 'apps/v1', 'ReplicaSet');
      store.create(pods, podFrom(set.spec.template, { name: `${name}-${randomSuffix()}`, namespace }, owner));
    }
    if (missing >= 0) return;
    for (const pod of [...active].sort(byDeletionOrder).slice(0, -missing)) {
      store.delete(pods, namespace, pod.metadata.name ?? '');
    }
  };

  const report = (set: ReplicaSet, counted: readonly Pod[]): void => {
    const minReady = set.spec.minReadySeconds ?? 0;
    const available = counted.filter((pod) => isAvailable(pod, minReady, clock.now())).length;
    const ready = counted.filter(isReady).length;
    if (available < ready) controller.enqueue(keyOf(set), 1_000);
    const labels = set.spec.template.metadata?.labels ?? {};
    const labeled = counted.filter((pod) => hasLabels(pod.metadata.labels, labels)).length;
    const status: WorkloadStatus = {
      replicas: counted.length,
      ...(labeled > 0 && { fullyLabeledReplicas: labeled }),
      ...(ready > 0 && { readyReplicas: ready }),
      ...(available > 0 && { availableReplicas: available }),
      observedGeneration: set.metadata.generation ?? 1,
    };
    if (!sameJson(status, set.status)) store.updateStatus(replicaSets, { ...set, status });
  };

  const controller = createController({
    name: 'replicaset',
    clock,
    lagMs,
    onError,
    reconcile(namespace, name) {
      const set = store.get<ReplicaSet>(replicaSets, namespace, name);
      if (set === undefined) return;
      const active = store
        .list<Pod>(pods, namespace)
        .filter((pod) => controllerOf(pod)?.uid === set.metadata.uid && isActive(pod));
      if (set.metadata.deletionTimestamp === undefined) resize(set, active);
      // As the real one: the counts are those from before the pods were made or deleted, under the new generation.
      report(set, active);
    },
  });
  return controller;
}

/** A pod as its workload makes it. */
export function podFrom(
  template: PodTemplate,
  { name, namespace }: { name: string; namespace: string },
  owner: ReturnType<typeof controllerReference>,
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name, namespace, ownerReferences: [owner] },
    spec: template.spec,
    status: { phase: 'Pending' },
  };
}

/** Wires a ReplicaSet controller to the changes it acts on. */
export function watchForReplicaSets(store: ClusterStore, controller: Controller): (() => void)[] {
  return [
    store.watch(replicaSets, ({ object }) => controller.enqueue(keyOf(object))),
    store.watch(pods, ({ object }) => enqueueOwner(controller, object, 'ReplicaSet')),
  ];
}
