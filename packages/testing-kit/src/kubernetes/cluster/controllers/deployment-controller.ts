import { enqueueOwner, keyOf, type MakeControl, ownedBy } from './controller.ts';
import type { Store } from '../../api/store/store.ts';
import { controllerOf, controllerReference, sameJson, withCondition, withoutZeros } from '../object-state.ts';
import {
  type Deployment,
  deployments,
  type Labels,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
  type WorkloadStatus,
} from '../objects.ts';
import { desiredOf, newestAnnotations, replicaAnnotations, revisionAnnotation, revisionOf } from './revisions.ts';
import { availableOf, type Limits, limitsOf, newestReplicas, olderReplicas, sum, wantedOf } from './rollout.ts';
import { sameTemplate, templateHash, templateHashLabel } from './template-hash.ts';

/** ReplicaSets of a Deployment, oldest first. */
export function replicaSetsOf(store: Store, deployment: Deployment): ReplicaSet[] {
  return ownedBy<ReplicaSet>(store, replicaSets, deployment).sort((a, b) => revisionOf(a) - revisionOf(b));
}

/** Deployment → ReplicaSets: one per template, scaled against each other within the strategy's limits. */
export const controlDeployments: MakeControl = ({ store, clock, enqueue }) => {
  const write = (set: ReplicaSet, annotations: Labels, replicas: number): void => {
    const known = set.metadata.annotations ?? {};
    const isNew = Object.keys(annotations).some((name) => annotations[name] !== known[name]);
    if (replicas === wantedOf(set) && !isNew) return;
    const all = isNew ? { ...known, ...annotations } : known;
    store.update(replicaSets, {
      ...set,
      metadata: { ...set.metadata, annotations: all },
      spec: { ...set.spec, replicas },
    });
  };
  const scale = (set: ReplicaSet, replicas: number, limits: Limits): void =>
    write(set, replicaAnnotations(limits), replicas);

  const createNewest = (deployment: Deployment, all: readonly ReplicaSet[], limits: Limits): void => {
    const { namespace = '', name } = deployment.metadata;
    const { template, selector, minReadySeconds = 0 } = deployment.spec;
    const hash = templateHash(template);
    const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
    const room = limits.replicas + limits.maxSurge - sum(all, wantedOf);
    store.create(replicaSets, {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: {
          ...newestAnnotations(deployment, undefined, revisionOf(all.at(-1) ?? deployment) + 1),
          ...replicaAnnotations(limits),
        },
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas: Math.max(0, Math.min(limits.replicas, room)),
        minReadySeconds,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    });
  };

  /** One step of the rollout; the changes it makes call for the next. */
  const roll = (deployment: Deployment, all: readonly ReplicaSet[], limits: Limits): void => {
    const newest = all.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
    const older = all.filter((set) => set !== newest);
    if (deployment.spec.strategy?.type === 'Recreate') {
      const running = older.filter((set) => wantedOf(set) > 0);
      if (running.length > 0) return running.forEach((set) => scale(set, 0, limits));
      if (newest === undefined && older.some((set) => ownedBy<Pod>(store, pods, set).length > 0)) return;
    }
    if (newest === undefined) return createNewest(deployment, all, limits);
    const revision = Math.max(revisionOf(newest), ...older.map((set) => revisionOf(set) + 1), 1);
    const next = newestReplicas(newest, all, limits);
    write(newest, { ...newestAnnotations(deployment, newest, revision), ...replicaAnnotations(limits) }, next);
    if (next > wantedOf(newest)) return;
    for (const [set, count] of olderReplicas(older, newest, limits)) scale(set, count, limits);
    prune(deployment, older);
  };

  const prune = (deployment: Deployment, older: readonly ReplicaSet[]): void => {
    const empty = older.filter((set) => wantedOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
    const limit = deployment.spec.revisionHistoryLimit ?? 10;
    for (const set of empty.slice(0, Math.max(0, empty.length - limit))) {
      store.delete(replicaSets, set.metadata.namespace ?? '', set.metadata.name);
    }
  };

  /** The wanted count changed: the ReplicaSet that has the pods (or the newest) follows, without a rollout. */
  const rescale = (all: readonly ReplicaSet[], limits: Limits): void => {
    const active = all.filter((set) => wantedOf(set) > 0);
    const [only] = active.length > 0 ? active : all.slice(-1);
    if (limits.replicas === 0) for (const set of active) scale(set, 0, limits);
    else if (active.length <= 1 && only !== undefined) scale(only, limits.replicas, limits);
    else for (const set of active) scale(set, wantedOf(set), limits);
  };

  const sync = (deployment: Deployment): void => {
    const all = replicaSetsOf(store, deployment);
    const limits = limitsOf(deployment);
    const scaled = all.some((set) => wantedOf(set) > 0 && desiredOf(set) !== limits.replicas);
    if (deployment.spec.paused === true || scaled) rescale(all, limits);
    else roll(deployment, all, limits);
    report(deployment);
  };

  const report = (deployment: Deployment): void => {
    const all = replicaSetsOf(store, deployment);
    const newest = all.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
    const revision = newest?.metadata.annotations?.[revisionAnnotation];
    const status = statusOf(deployment, all, newest, clock.now());
    const known = deployment.metadata.annotations?.[revisionAnnotation];
    if (sameJson(status, deployment.status) && (revision === undefined || revision === known)) return;
    const annotations = {
      ...deployment.metadata.annotations,
      ...(revision !== undefined && { [revisionAnnotation]: revision }),
    };
    // With the status, as the real one does it: that way the generation does not move.
    const metadata = { ...deployment.metadata, annotations };
    store.update(deployments, { ...deployment, metadata, status }, { subresource: 'status' });
  };

  return {
    reconcile(namespace, name) {
      const deployment = store.find<Deployment>(deployments, namespace, name);
      if (deployment !== undefined && deployment.metadata.deletionTimestamp === undefined) sync(deployment);
    },
    watch: () => [
      store.watch(deployments, ({ object }) => enqueue(keyOf(object))),
      store.watch(replicaSets, ({ object }) => enqueueOwner(enqueue, object, 'Deployment')),
      store.watch(pods, ({ type, object }) => {
        // A Recreate waits for the old pods to be gone.
        if (type !== 'DELETED') return;
        const owner = controllerOf(object);
        const set = owner && store.find(replicaSets, object.metadata.namespace ?? '', owner.name);
        if (set) enqueueOwner(enqueue, set, 'Deployment');
      }),
    ],
  };
};

function statusOf(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  nowMs: number,
): WorkloadStatus {
  const limits = limitsOf(deployment);
  const replicas = sum(all, ({ status }) => status?.replicas ?? 0);
  const ready = sum(all, ({ status }) => status?.readyReplicas ?? 0);
  const available = sum(all, availableOf);
  const updated = newest?.status?.replicas ?? 0;
  const enough = available >= limits.replicas - limits.maxUnavailable;
  const complete = updated === limits.replicas && replicas === updated && available === updated;
  const availableCondition = {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
  } as const;
  const progressing = {
    type: 'Progressing',
    status: 'True',
    reason: complete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
  } as const;
  const conditions = withCondition(
    withCondition(deployment.status?.conditions, availableCondition, nowMs),
    progressing,
    nowMs,
  );
  return {
    observedGeneration: deployment.metadata.generation,
    ...withoutZeros({
      replicas,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: available,
      unavailableReplicas: sum(all, wantedOf) - available,
    }),
    conditions,
  };
}
