import type { Clock } from '@scaler/scaler-types';
import { sameJson, withCondition } from '../conditions.ts';
import { type Controller, createController, keyOf } from './controller.ts';
import type { Deployment, Labels, Pod, ReplicaSet, WorkloadStatus } from '../objects.ts';
import { controllerOf, controllerReference } from '../pod-state.ts';
import { desiredOf, newestAnnotations, replicaAnnotations, revisionAnnotation, revisionOf } from './revisions.ts';
import { type Limits, limitsOf, newestReplicas, olderReplicas, wantedOf } from './rollout.ts';
import { type ClusterStore, deployments, pods, replicaSets } from '../store.ts';
import { sameTemplate, templateHash, templateHashLabel } from './template-hash.ts';

export interface ControllerContext {
  readonly store: ClusterStore;
  readonly clock: Clock;
  readonly lagMs: number;
  readonly onError: (error: Error) => void;
}

/** ReplicaSets of a Deployment, oldest first. */
export function replicaSetsOf(store: ClusterStore, deployment: Deployment): ReplicaSet[] {
  return store
    .list<ReplicaSet>(replicaSets, deployment.metadata.namespace)
    .filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
    .sort((a, b) => revisionOf(a) - revisionOf(b));
}

/** Deployment → ReplicaSets: one per template, scaled against each other within the strategy's limits. */
export function createDeploymentController({ store, clock, lagMs, onError }: ControllerContext): Controller {
  const write = (set: ReplicaSet, annotations: Labels, replicas = wantedOf(set)): void => {
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
  const scale = (set: ReplicaSet, replicas: number, limits: Limits): void => {
    const max = limits.replicas + limits.maxSurge;
    write(set, replicaAnnotations(limits.replicas, max), replicas);
  };

  const createNewest = (deployment: Deployment, all: readonly ReplicaSet[], limits: Limits): void => {
    const { namespace = '', name = '' } = deployment.metadata;
    const hash = templateHash(deployment.spec.template);
    const template = deployment.spec.template;
    const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
    const room = limits.replicas + limits.maxSurge - all.reduce((total, set) => total + wantedOf(set), 0);
    store.create(replicaSets, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        annotations: {
          ...newestAnnotations(deployment, undefined, revisionOf(all.at(-1) ?? deployment) + 1),
          ...replicaAnnotations(limits.replicas, limits.replicas + limits.maxSurge),
        },
        ownerReferences: [controllerReference(deployment, 'apps/v1', 'Deployment')],
      },
      spec: {
        replicas: Math.max(0, Math.min(limits.replicas, room)),
        minReadySeconds: deployment.spec.minReadySeconds ?? 0,
        selector: {
          ...deployment.spec.selector,
          matchLabels: { ...deployment.spec.selector.matchLabels, [templateHashLabel]: hash },
        },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    });
  };

  const hasPods = (sets: readonly ReplicaSet[], namespace: string): boolean =>
    store.list<Pod>(pods, namespace).some((pod) => sets.some((set) => set.metadata.uid === controllerOf(pod)?.uid));

  /** One step of the rollout; the changes it makes call for the next. */
  const roll = (deployment: Deployment, all: readonly ReplicaSet[], limits: Limits): void => {
    const newest = all.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
    const older = all.filter((set) => set !== newest);
    if (deployment.spec.strategy?.type === 'Recreate') {
      const running = older.filter((set) => wantedOf(set) > 0);
      if (running.length > 0) return running.forEach((set) => scale(set, 0, limits));
      if (newest === undefined && hasPods(older, deployment.metadata.namespace ?? '')) return;
    }
    if (newest === undefined) return createNewest(deployment, all, limits);
    const revision = Math.max(revisionOf(newest), ...older.map((set) => revisionOf(set) + 1), 1);
    const next = newestReplicas(newest, all, limits);
    const annotations = newestAnnotations(deployment, newest, revision);
    write(newest, { ...annotations, ...replicaAnnotations(limits.replicas, limits.replicas + limits.maxSurge) }, next);
    if (next > wantedOf(newest)) return;
    for (const [set, count] of olderReplicas(older, newest, limits)) scale(set, count, limits);
    prune(deployment, older);
  };

  const prune = (deployment: Deployment, older: readonly ReplicaSet[]): void => {
    const empty = older.filter((set) => wantedOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
    const limit = deployment.spec.revisionHistoryLimit ?? 10;
    for (const set of empty.slice(0, Math.max(0, empty.length - limit))) {
      store.delete(replicaSets, set.metadata.namespace ?? '', set.metadata.name ?? '');
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
    store.updateStatus(deployments, { ...deployment, metadata: { ...deployment.metadata, annotations }, status });
  };

  return createController({
    name: 'deployment',
    clock,
    lagMs,
    onError,
    reconcile(namespace, name) {
      const deployment = store.get<Deployment>(deployments, namespace, name);
      if (deployment !== undefined && deployment.metadata.deletionTimestamp === undefined) sync(deployment);
    },
  });
}

function statusOf(
  deployment: Deployment,
  all: readonly ReplicaSet[],
  newest: ReplicaSet | undefined,
  nowMs: number,
): WorkloadStatus {
  const total = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
    all.reduce((count, set) => count + (set.status?.[field] ?? 0), 0);
  const limits = limitsOf(deployment);
  const [replicas, ready, available] = [total('replicas'), total('readyReplicas'), total('availableReplicas')];
  const updated = newest?.status?.replicas ?? 0;
  const unavailable = Math.max(0, all.reduce((count, set) => count + wantedOf(set), 0) - available);
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
    observedGeneration: deployment.metadata.generation ?? 1,
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
    conditions,
  };
}

/** Wires a Deployment controller to the changes it acts on. */
export function watchForDeployments(store: ClusterStore, controller: Controller): (() => void)[] {
  return [
    store.watch(deployments, ({ object }) => controller.enqueue(keyOf(object))),
    store.watch(replicaSets, ({ object }) => enqueueOwner(controller, object, 'Deployment')),
    store.watch(pods, ({ type, object }) => {
      // A Recreate waits for the old pods to be gone.
      if (type !== 'DELETED') return;
      const owner = controllerOf(object);
      const set = owner && store.get<ReplicaSet>(replicaSets, object.metadata.namespace ?? '', owner.name);
      if (set) enqueueOwner(controller, set, 'Deployment');
    }),
  ];
}

/** Asks for the object that controls `object`, if it is of that kind. */
export function enqueueOwner(
  controller: Controller,
  object: Pod | ReplicaSet | { metadata: object },
  kind: string,
): void {
  const owner = controllerOf(object as Pod);
  if (owner?.kind === kind) controller.enqueue(`${(object as Pod).metadata.namespace ?? ''}/${owner.name}`);
}
