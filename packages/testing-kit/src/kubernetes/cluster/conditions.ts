import type { Condition } from './objects.ts';

/** `conditions` with `next` in the place of those of its type; the transition time moves only when the status does. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): Condition[] {
  const all = [...(conditions ?? [])];
  const index = all.findIndex(({ type }) => type === next.type);
  const before = all[index];
  const lastTransitionTime =
    before?.status === next.status && before.lastTransitionTime !== undefined
      ? before.lastTransitionTime
      : kubeTime(nowMs);
  const condition = { ...next, lastTransitionTime };
  if (index < 0) all.push(condition);
  else all[index] = condition;
  return all;
}

/** A time as Kubernetes writes it: in whole seconds. */
export function kubeTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Whether two values are the same JSON, fields in the same order. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
