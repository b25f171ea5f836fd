import { sameJson } from '../conditions.ts';
import { type Controller, createController, keyOf } from './controller.ts';
import { type ControllerContext, enqueueOwner } from './deployment-controller.ts';
import type { Pod, StatefulSet, WorkloadStatus } from '../objects.ts';
import { controllerOf, controllerReference, isAvailable, isFinished, isReady } from '../pod-state.ts';
import { podFrom } from './replicaset-controller.ts';
import { type ClusterStore, pods, statefulSets } from '../store.ts';
import { templateHash } from './template-hash.ts';

const revisionLabel = 'controller-revision-hash';

/** StatefulSet → Pods with ordinals: made from 0 upwards, deleted and updated from the highest downwards, one by one. */
export function createStatefulSetController({ store, clock, lagMs, onError }: ControllerContext): Controller {
  const ordinalOf = (set: StatefulSet, pod: Pod): number =>
    Number((pod.metadata.name ?? '').slice((set.metadata.name ?? '').length + 1));

  const ownPods = (set: StatefulSet): Map<number, Pod> =>
    new Map(
      store
        .list<Pod>(pods, set.metadata.namespace)
        .filter((pod) => controllerOf(pod)?.uid === set.metadata.uid)
        .map((pod) => [ordinalOf(set, pod), pod]),
    );

  const create = (set: StatefulSet, ordinal: number, revision: string): void => {
    const { namespace = '', name = '' } = set.metadata;
    const podName = `${name}-${ordinal}`;
    const owner = controllerReference(set, 'apps/v1', 'StatefulSet');
    const pod = podFrom(set.spec.template, { name: podName, namespace }, owner);
    const labels = {
      ...pod.metadata.labels,
      [revisionLabel]: revision,
      'statefulset.kubernetes.io/pod-name': podName,
      'apps.kubernetes.io/pod-index': String(ordinal),
    };
    const subdomain = set.spec.serviceName;
    store.create(pods, {
      ...pod,
      metadata: { ...pod.metadata, labels },
      spec: { ...pod.spec, hostname: podName, ...(subdomain !== undefined && { subdomain }) },
    });
  };
  const remove = (pod: Pod): void => {
    const { namespace = '', name = '', deletionTimestamp } = pod.metadata;
    if (deletionTimestamp === undefined) store.delete(pods, namespace, name);
  };

  /** One step, or all at once where the set's pods need not wait for each other. */
  const step = (set: StatefulSet, own: ReadonlyMap<number, Pod>, revision: string): void => {
    const wanted = set.spec.replicas ?? 1;
    const parallel = set.spec.podManagementPolicy === 'Parallel';
    const settled = (pod: Pod): boolean => isReady(pod) && pod.metadata.deletionTimestamp === undefined;
    for (let ordinal = 0; ordinal < wanted; ordinal++) {
      const pod = own.get(ordinal);
      if (pod === undefined) create(set, ordinal, revision);
      else if (isFinished(pod)) remove(pod);
      if (!parallel && (pod === undefined || !settled(pod))) return;
    }
    const descending = [...own].sort(([a], [b]) => b - a);
    for (const [ordinal, pod] of descending) {
      if (ordinal < wanted) continue;
      remove(pod);
      if (!parallel) return;
    }
    for (const [, pod] of descending) {
      if (pod.metadata.labels?.[revisionLabel] !== revision) return remove(pod);
      if (!settled(pod)) return;
    }
  };

  const report = (set: StatefulSet, own: ReadonlyMap<number, Pod>, revision: string): void => {
    const live = [...own.values()].filter((pod) => !isFinished(pod));
    const standing = live.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const updated = standing.filter((pod) => pod.metadata.labels?.[revisionLabel] === revision).length;
    const available = live.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now())).length;
    const ready = live.filter(isReady).length;
    if (available < ready) controller.enqueue(keyOf(set), 1_000);
    const done = updated === live.length;
    const currentRevision = done ? revision : (set.status?.currentRevision ?? revision);
    const current = standing.filter((pod) => pod.metadata.labels?.[revisionLabel] === currentRevision).length;
    const status: WorkloadStatus = {
      observedGeneration: set.metadata.generation ?? 1,
      replicas: live.length,
      ...(ready > 0 && { readyReplicas: ready }),
      ...(current > 0 && { currentReplicas: current }),
      ...(updated > 0 && { updatedReplicas: updated }),
      currentRevision,
      updateRevision: revision,
      collisionCount: 0,
      availableReplicas: available,
    };
    if (!sameJson(status, set.status)) store.updateStatus(statefulSets, { ...set, status });
  };

  const controller = createController({
    name: 'statefulset',
    clock,
    lagMs,
    onError,
    reconcile(namespace, name) {
      const set = store.get<StatefulSet>(statefulSets, namespace, name);
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
      const revision = `${name}-${templateHash(set.spec.template)}`;
      const own = ownPods(set);
      step(set, own, revision);
      report(set, own, revision);
    },
  });
  return controller;
}

/** Wires a StatefulSet controller to the changes it acts on. */
export function watchForStatefulSets(store: ClusterStore, controller: Controller): (() => void)[] {
  return [
    store.watch(statefulSets, ({ object }) => controller.enqueue(keyOf(object))),
    store.watch(pods, ({ object }) => enqueueOwner(controller, object, 'StatefulSet')),
  ];
}
