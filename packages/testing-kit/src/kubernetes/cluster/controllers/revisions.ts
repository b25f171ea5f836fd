// The annotations by which Deployments and their ReplicaSets remember their history.
import type { Deployment, Labels, ReplicaSet } from '../objects.ts';
import type { Limits } from './rollout.ts';

const prefix = 'deployment.kubernetes.io/';
export const revisionAnnotation = `${prefix}revision`;
const historyAnnotation = `${prefix}revision-history`;
const desiredAnnotation = `${prefix}desired-replicas`;
const maxAnnotation = `${prefix}max-replicas`;
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

export function revisionOf(object: Deployment | ReplicaSet): number {
  return Number(object.metadata.annotations?.[revisionAnnotation] ?? 0);
}

/** The count which a ReplicaSet's Deployment wanted when it last looked, or `undefined`. */
export function desiredOf(replicaSet: ReplicaSet): number | undefined {
  const text = replicaSet.metadata.annotations?.[desiredAnnotation];
  return text === undefined ? undefined : Number(text);
}

export function replicaAnnotations({ replicas, maxSurge }: Limits): Labels {
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + maxSurge) };
}

/** The newest ReplicaSet's annotations: its own, the Deployment's over them (none is ever taken away), its revision. */
export function newestAnnotations(
  deployment: Deployment,
  replicaSet: ReplicaSet | undefined,
  revision: number,
): Labels {
  const own = replicaSet?.metadata.annotations ?? {};
  const annotations: Labels = { ...own, ...copied(deployment.metadata.annotations) };
  const before = Number(own[revisionAnnotation] ?? 0);
  if (before >= revision) return annotations;
  annotations[revisionAnnotation] = String(revision);
  if (before > 0) {
    annotations[historyAnnotation] = [own[historyAnnotation], before].filter(Boolean).join(',');
  }
  return annotations;
}

/**
 * A Deployment's annotations after a rollback to `replicaSet`: that ReplicaSet's, but for the bookkeeping, which stays
 * the Deployment's own. So whatever annotation was set since then is lost, and old values return.
 */
export function rolledBackAnnotations(deployment: Deployment, replicaSet: ReplicaSet): Labels {
  const kept = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => notCopied.has(key));
  return { ...Object.fromEntries(kept), ...copied(replicaSet.metadata.annotations) };
}

function copied(annotations: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !notCopied.has(key)));
}
