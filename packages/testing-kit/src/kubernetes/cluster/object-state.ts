import { type AnyObject, type OwnerReference, toTimestamp } from '../api/object.ts';
import type { Condition, Labels, Pod } from './objects.ts';

/** Whether `labels` have every pair of `wanted`. */
export function hasLabels(labels: Labels | undefined, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}

/** Whether two values are the same JSON, fields in the same order. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** `conditions` with `next` in the place of those of its type; the transition time moves only when the status does. */
export function withCondition(
  conditions: readonly Condition[] = [],
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): Condition[] {
  const before = conditions.find(({ type }) => type === next.type);
  const same = before?.status === next.status ? before.lastTransitionTime : undefined;
  const condition = { ...next, lastTransitionTime: same ?? toTimestamp(nowMs) };
  if (before === undefined) return [...conditions, condition];
  return conditions.map((one) => (one === before ? condition : one));
}

/** Counts of a status, as the API has them: those that are 0 are left out. */
export function withoutZeros<T extends Record<string, number>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)) as Partial<T>;
}

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

export function controllerOf(object: AnyObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function controllerReference({ apiVersion, kind, metadata: { name, uid } }: AnyObject): OwnerReference {
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
    -Date.parse(pod.metadata.creationTimestamp),
  ];
}

/** Orders pods as a ReplicaSet deletes them: unassigned, pending, not ready, restarted and young ones first. */
export function byDeletionOrder(a: Pod, b: Pod): number {
  const [left, right] = [deletionRank(a), deletionRank(b)];
  const index = left.findIndex((value, i) => value !== right[i]);
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}
