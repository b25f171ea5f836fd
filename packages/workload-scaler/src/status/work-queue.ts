import { type CancelTimer, type Clock, resourceKey, type ResourceRef } from '@scaler/scaler-types';

/** Resources that are to be looked at, each once: the soonest time that was asked for counts. */
export function createWorkQueue(clock: Clock, work: (ref: ResourceRef) => void) {
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
    /** Works on it at once, unless the work of its namespace leaves no room for it: then as soon as it does. */
    enqueue,
    enqueueAfter,
    clear: (): void => {
      for (const { cancel } of planned.values()) cancel();
      planned.clear();
    },
  };
}

/** The work on a namespace's resources may take so long at once. */
const burstMs = 20;
/** And then this part of the time. */
const share = 0.2;

/**
 * Time that the work on the resources of one namespace takes from the work on all others. One look at a resource with
 * thousands of ports takes milliseconds, and its owner may write ten times a second. The others go on in between.
 */
export function createWorkBudget(clock: Pick<Clock, 'monotonic'>) {
  const spent = new Map<string, { readonly ms: number; readonly atMs: number }>();

  function leftOf(namespace: string, nowMs: number): number {
    const { ms, atMs } = spent.get(namespace) ?? { ms: 0, atMs: nowMs };
    return Math.max(0, ms - share * (nowMs - atMs));
  }

  return {
    /** Milliseconds until the next of its resources may be worked on; 0: now. */
    waitMs: (namespace: string): number => {
      if (!spent.has(namespace)) return 0;
      const left = leftOf(namespace, clock.monotonic());
      if (left === 0) spent.delete(namespace);
      return Math.max(0, left - burstMs) / share;
    },
    spend: (namespace: string, ms: number): void => {
      if (ms <= 0) return;
      const atMs = clock.monotonic();
      spent.set(namespace, { ms: leftOf(namespace, atMs) + ms, atMs });
    },
  };
}
