import type { Workload } from '../workload/workload.ts';
import { type Clock, resourceKey, type ResourceRef } from '@scaler/scaler-types';

/** One to three minutes, so that a thousand of them are not looked at all at once. */
const leastMs = 60_000;
const spreadMs = 120_000;

/**
 * Workloads that were found at rest lately and of which nothing was heard since. A sweep passes them by: nearly all are, at
 * nearly every tick, and whatever changes is heard of. It looks at them again from time to time all the same.
 */
export function createAtRest(clock: Clock, random: () => number = Math.random) {
  const noted = new Map<string, { readonly workload: Workload; readonly untilMs: number }>();
  return {
    note: (workload: Workload): void =>
      void noted.set(resourceKey(workload), {
        workload,
        untilMs: clock.monotonic() + leastMs + random() * spreadMs,
      }),
    has: (workload: Workload): boolean => {
      const known = noted.get(resourceKey(workload));
      return known?.workload === workload && clock.monotonic() < known.untilMs;
    },
    /** Something about it may have changed. */
    forget: (ref: ResourceRef): void => void noted.delete(resourceKey(ref)),
  };
}

export type AtRest = ReturnType<typeof createAtRest>;
