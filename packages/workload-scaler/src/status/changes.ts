import { isDeepStrictEqual } from 'node:util';
import { type Clock, type Resource, type ResourceChange, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { createWorkQueue } from './work-queue.ts';

/** A resource as it is now. */
export interface Status {
  /** Undefined: there is no such resource. */
  readonly resource: Resource | undefined;
  /** The reconcile has something to do about it, so the app gets it again even where it reads the same. */
  readonly due: boolean;
}

/** Turns "something about this one may have changed" into changes for the app. */
export type Changes = ReturnType<typeof createChanges>;

// Events come in bursts: a park alone makes a dozen.
const batchMs = { autoscaler: 50, dlx: 0 } as const;
/** Labels move a workload from one watch to another: it may be missing for a moment. */
const goneAfterMs = 1_000;

/** `isBlind`: what is missing may well be there, for a watch on workloads does not work, or traffic is still led to it. */
export function createChanges(
  clock: Clock,
  role: 'autoscaler' | 'dlx',
  statusOf: (ref: ResourceRef) => Status,
  isBlind: (ref: ResourceRef) => boolean,
) {
  const published = new Map<string, Resource>();
  const goneSinceMs = new Map<string, number>();
  const queue = createWorkQueue(clock, look);
  let listener: ((change: ResourceChange) => void) | undefined;

  function look(ref: ResourceRef): void {
    if (listener === undefined) return;
    const key = resourceKey(ref);
    const { resource, due } = statusOf(ref);
    if (resource === undefined) {
      lookGone(ref, key);
      return;
    }
    goneSinceMs.delete(key);
    if (!due && isDeepStrictEqual(published.get(key), resource)) return;
    published.set(key, resource);
    listener({ type: 'set', resource });
  }

  function lookGone(ref: ResourceRef, key: string): void {
    if (!published.has(key)) return;
    const sinceMs = (isBlind(ref) ? undefined : goneSinceMs.get(key)) ?? clock.monotonic();
    goneSinceMs.set(key, sinceMs);
    const leftMs = goneAfterMs - (clock.monotonic() - sinceMs);
    if (leftMs > 0) {
      queue.enqueueAfter(ref, leftMs);
      return;
    }
    goneSinceMs.delete(key);
    published.delete(key);
    listener?.({ type: 'removed', resource: { namespace: ref.namespace, name: ref.name } });
  }

  return {
    /** Looks at a resource soon, or in `ms`; the soonest look counts. */
    enqueue: (ref: ResourceRef, ms: number = 0): void => {
      if (listener === undefined) return;
      const waitMs = Math.max(ms, batchMs[role]);
      if (waitMs === 0) queue.enqueue(ref);
      else queue.enqueueAfter(ref, waitMs);
    },
    /** Passes on every resource, then each change, until the signal aborts. */
    publish: (to: (change: ResourceChange) => void, refs: readonly ResourceRef[], signal: AbortSignal): void => {
      listener = to;
      for (const ref of refs) look(ref);
      to({ type: 'synced' });
      signal.addEventListener('abort', () => {
        listener = undefined;
        queue.clear();
      });
    },
  };
}
