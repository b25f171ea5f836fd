import { isDeepStrictEqual } from 'node:util';
import {
  type CancelTimer,
  type Clock,
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
} from '@scaler/scaler-types';
import { createLookBudget } from './look-budget.ts';

/** What there is to say about one resource now. */
export interface News {
  /** Undefined: there is no such resource. */
  readonly resource: Resource | undefined;
  /** The reconcile has something to do about it, so it is told again even where it reads the same. */
  readonly due: boolean;
}

/** Turns "something about this one may have changed" into what the app is told. */
export interface Changes {
  /** Looks at a resource soon, or in `ms`. A sooner look replaces a later one. */
  lookAgain(ref: ResourceRef, ms?: number): void;
  /** Tells of everything, then of each change, until the signal aborts. */
  tell(listener: (change: ResourceChange) => void, refs: readonly ResourceRef[], signal: AbortSignal): void;
}

// Events come in bursts: a park alone makes a dozen.
const gatherMs = { autoscaler: 50, dlx: 0 } as const;
/** Labels move a workload from one watch to another: it may be missing for a moment. */
const goneAfterMs = 1_000;

/** `isBlind`: a watch on workloads does not work at the moment, so that what is missing may well be there. */
export function createChanges(
  clock: Clock,
  role: 'autoscaler' | 'dlx',
  newsOf: (ref: ResourceRef) => News,
  isBlind: () => boolean,
): Changes {
  const told = new Map<string, Resource>();
  const goneSinceMs = new Map<string, number>();
  const planner = createPlanner(clock, look);
  let listener: ((change: ResourceChange) => void) | undefined;

  function look(ref: ResourceRef): void {
    if (listener === undefined) return;
    const key = resourceKey(ref);
    const { resource, due } = newsOf(ref);
    if (resource === undefined) {
      lookGone(ref, key);
      return;
    }
    goneSinceMs.delete(key);
    if (!due && isDeepStrictEqual(told.get(key), resource)) return;
    told.set(key, resource);
    listener({ type: 'set', resource });
  }

  function lookGone(ref: ResourceRef, key: string): void {
    if (!told.has(key)) return;
    const sinceMs = (isBlind() ? undefined : goneSinceMs.get(key)) ?? clock.monotonic();
    goneSinceMs.set(key, sinceMs);
    const leftMs = goneAfterMs - (clock.monotonic() - sinceMs);
    if (leftMs > 0) {
      planner.plan(ref, leftMs);
      return;
    }
    goneSinceMs.delete(key);
    told.delete(key);
    listener?.({ type: 'removed', resource: { namespace: ref.namespace, name: ref.name } });
  }

  return {
    lookAgain: (ref, ms = 0) => {
      if (listener === undefined) return;
      const waitMs = Math.max(ms, gatherMs[role]);
      if (waitMs === 0) planner.now(ref);
      else planner.plan(ref, waitMs);
    },
    tell: (to, refs, signal) => {
      listener = to;
      for (const ref of refs) look(ref);
      to({ type: 'synced' });
      signal.addEventListener('abort', () => {
        listener = undefined;
        planner.clear();
      });
    },
  };
}

interface Planner {
  /** Looks at once, unless its namespace's other looks leave no room for it: then as soon as they do. */
  now(ref: ResourceRef): void;
  plan(ref: ResourceRef, ms: number): void;
  clear(): void;
}

/** Timers by resource, the soonest of each alone. */
function createPlanner(clock: Clock, look: (ref: ResourceRef) => void): Planner {
  const planned = new Map<string, { readonly atMs: number; readonly cancel: CancelTimer }>();
  const budget = createLookBudget(clock);

  function now(ref: ResourceRef): void {
    const waitMs = budget.waitMs(ref.namespace);
    if (waitMs > 0) {
      plan(ref, waitMs);
      return;
    }
    const beganMs = clock.monotonic();
    look(ref);
    budget.spend(ref.namespace, clock.monotonic() - beganMs);
  }

  function plan(ref: ResourceRef, ms: number): void {
    const key = resourceKey(ref);
    const atMs = clock.monotonic() + ms;
    const before = planned.get(key);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.cancel();
    const cancel = clock.after(ms, () => {
      planned.delete(key);
      now(ref);
    });
    planned.set(key, { atMs, cancel });
  }

  return {
    now,
    plan,
    clear: () => {
      for (const { cancel } of planned.values()) cancel();
      planned.clear();
    },
  };
}
