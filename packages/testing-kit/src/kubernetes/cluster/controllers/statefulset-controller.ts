import { enqueueOwner, keyOf, type MakeControl, ownedBy } from './controller.ts';
import { controllerReference, isAvailable, isFinished, isReady, sameJson, withoutZeros } from '../object-state.ts';
import { type Pod, pods, type StatefulSet, statefulSets } from '../objects.ts';
import { podFrom } from './replicaset-controller.ts';
import { templateHash } from './template-hash.ts';

const revisionLabel = 'controller-revision-hash';

/** StatefulSet → Pods with ordinals: made from 0 upwards, deleted and updated from the highest downwards, one by one. */
export const controlStatefulSets: MakeControl = ({ store, clock, enqueue }) => {
  const ownPods = (set: StatefulSet): Map<number, Pod> =>
    new Map(
      ownedBy<Pod>(store, pods, set).map((pod) => [Number(pod.metadata.name.slice(set.metadata.name.length + 1)), pod]),
    );

  const create = (set: StatefulSet, ordinal: number, revision: string): void => {
    const { namespace = '', name } = set.metadata;
    const { template, serviceName: subdomain } = set.spec;
    const podName = `${name}-${ordinal}`;
    const labels = {
      ...template.metadata?.labels,
      [revisionLabel]: revision,
      'statefulset.kubernetes.io/pod-name': podName,
      'apps.kubernetes.io/pod-index': String(ordinal),
    };
    const pod = podFrom(template, { name: podName, namespace, labels, ownerReferences: [controllerReference(set)] });
    store.create(pods, {
      ...pod,
      spec: { ...template.spec, hostname: podName, ...(subdomain !== undefined && { subdomain }) },
    });
  };
  const remove = ({ metadata: { namespace = '', name, deletionTimestamp } }: Pod): void => {
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
    const at = (wanted: string): number =>
      standing.filter((pod) => pod.metadata.labels?.[revisionLabel] === wanted).length;
    const available = live.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, clock.now())).length;
    const ready = live.filter(isReady).length;
    if (available < ready) enqueue(keyOf(set), 1_000);
    const done = at(revision) === live.length;
    const currentRevision = done ? revision : (set.status?.currentRevision ?? revision);
    const status = {
      observedGeneration: set.metadata.generation,
      replicas: live.length,
      ...withoutZeros({
        readyReplicas: ready,
        currentReplicas: at(currentRevision),
        updatedReplicas: at(revision),
      }),
      currentRevision,
      updateRevision: revision,
      collisionCount: 0,
      availableReplicas: available,
    };
    if (!sameJson(status, set.status)) store.update(statefulSets, { ...set, status }, { subresource: 'status' });
  };

  return {
    reconcile(namespace, name) {
      const set = store.find<StatefulSet>(statefulSets, namespace, name);
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return;
      const revision = `${name}-${templateHash(set.spec.template)}`;
      const own = ownPods(set);
      step(set, own, revision);
      report(set, own, revision);
    },
    watch: () => [
      store.watch(statefulSets, ({ object }) => enqueue(keyOf(object))),
      store.watch(pods, ({ object }) => enqueueOwner(enqueue, object, 'StatefulSet')),
    ],
  };
};
