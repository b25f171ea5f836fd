import type { Condition, KubeObject, OwnerReference, Pod } from './objects.ts';

export function conditionOf(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isReady(pod: Pod): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  if (!isReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const sinceMs = Date.parse(conditionOf(pod, 'Ready')?.lastTransitionTime ?? '');
  return sinceMs + minReadySeconds * 1_000 <= nowMs;
}

/** Succeeded or failed: it will never run again. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether ReplicaSets count the pod: it is neither finished nor terminating. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function controllerReference(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  const { name = '', uid = '' } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Lower sorts first where a ReplicaSet picks the pods to delete. */
function deletionRank(pod: Pod): readonly number[] {
  const restarts = (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
  const phase = pod.status?.phase ?? 'Pending';
  return [
    pod.spec.nodeName === undefined ? 0 : 1,
    phase === 'Pending' ? 0 : 1,
    isReady(pod) ? 1 : 0,
    -restarts,
    -Date.parse(pod.metadata.creationTimestamp ?? ''),
  ];
}

/** Orders pods as a ReplicaSet deletes them: unassigned, pending, not ready, restarted and young ones first. */
export function byDeletionOrder(a: Pod, b: Pod): number {
  const [left, right] = [deletionRank(a), deletionRank(b)];
  const index = left.findIndex((value, i) => value !== right[i]);
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}
