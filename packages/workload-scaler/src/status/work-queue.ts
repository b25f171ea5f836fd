import { type CancelTimer, type Clock, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { createWorkBudget } from './work-budget.ts';

/** Resources that are to be looked at, each once: the soonest time that was asked for counts. */
export interface WorkQueue {
  /** Works on it at once, unless the work of its namespace leaves no room for it: then as soon as it does. */
  enqueue(ref: ResourceRef): void;
  enqueueAfter(ref: ResourceRef, ms: number): void;
  clear(): void;
}

export function createWorkQueue(clock: Clock, work: (ref: ResourceRef) => void): WorkQueue {
  const planned = new Map<string, { readonly atMs: number; readonly cancel: CancelTimer }>();
  const budget = createWorkBudget(clock);

  function enqueue(ref: ResourceRef): void {
    const waitMs = budget.waitMs(ref.namespace);
    if (waitMs > 0) {
      enqueueAfter(ref, waitMs);
      return;
    }
    const beganMs = clock.monotonic();
    work(ref);
    budget.spend(ref.namespace, clock.monotonic() - beganMs);
  }

  function enqueueAfter(ref: ResourceRef, ms: number): void {
    const key = resourceKey(ref);
    const atMs = clock.monotonic() + ms;
    const before = planned.get(key);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.cancel();
    const cancel = clock.after(ms, () => {
      planned.delete(key);
      enqueue(ref);
    });
    planned.set(key, { atMs, cancel });
  }

  return {
    enqueue,
    enqueueAfter,
    clear: () => {
      for (const { cancel } of planned.values()) cancel();
      planned.clear();
    },
  };
}
