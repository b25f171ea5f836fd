import type { Clock } from '@scaler/scaler-types';

/** The work on a namespace's resources may take so long at once. */
const burstMs = 20;
/** And then this part of the time. */
const share = 0.2;

/** Time that the work on the resources of one namespace takes from the work on all others. */
export interface WorkBudget {
  /** Milliseconds until the next of its resources may be worked on; 0: now. */
  waitMs(namespace: string): number;
  spend(namespace: string, ms: number): void;
}

/**
 * One look at a resource with thousands of ports takes milliseconds, and its owner may write ten times a second. The others
 * go on in between.
 */
export function createWorkBudget(clock: Pick<Clock, 'monotonic'>): WorkBudget {
  const spent = new Map<string, { readonly ms: number; readonly atMs: number }>();

  function leftOf(namespace: string, nowMs: number): number {
    const { ms, atMs } = spent.get(namespace) ?? { ms: 0, atMs: nowMs };
    return Math.max(0, ms - share * (nowMs - atMs));
  }

  return {
    waitMs: (namespace) => {
      if (!spent.has(namespace)) return 0;
      const left = leftOf(namespace, clock.monotonic());
      if (left === 0) spent.delete(namespace);
      return Math.max(0, left - burstMs) / share;
    },
    spend: (namespace, ms) => {
      if (ms <= 0) return;
      const atMs = clock.monotonic();
      spent.set(namespace, { ms: leftOf(namespace, atMs) + ms, atMs });
    },
  };
}
