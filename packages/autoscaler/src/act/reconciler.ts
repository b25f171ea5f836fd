import {
  type CancelTimer,
  type Clock,
  type Logger,
  type ResourceRef,
  type ResourceScaler,
  resourceKey,
  type ScaleResult,
} from '@scaler/scaler-types';
import { doublingMs } from '@scaler/async';
import { PeerRates } from '@scaler/runtime';
import { createSlots } from './slots.ts';

export interface ReconcilerParts {
  /** Undefined where the scaler has no `reconcile`: then this does nothing. */
  reconcile: NonNullable<ResourceScaler['reconcile']> | undefined;
  /** Whether a park runs for the resource, whose steps must not be disturbed. The resource is notified again at its end. */
  isParking: (key: string) => boolean;
  clock: Clock;
  logger: Logger;
  /** Calls at once, over all namespaces. */
  limit: number;
  /** Milliseconds before a failed call is tried again; doubled with each failure in a row, up to 32 times that. */
  retryMs: number;
  /** Ends the reconciler. */
  signal: AbortSignal;
}

/** The key of a sweep; no resource has an empty name. */
const sweepKey = '';

export type Reconciler = ReturnType<typeof createReconciler>;

/** Calls the scaler's `reconcile` on events and ticks, never twice at once for the same resource. */
export function createReconciler(parts: ReconcilerParts) {
  const { reconcile, isParking, limit, clock, signal } = parts;
  const slots = createSlots(limit, clock, () => fill());
  const wanted = new Map<string, ResourceRef | undefined>();
  const running = new Map<string, Promise<void>>();
  const retry = createRetry(parts, (key, ref) => want(key, ref));
  const again = createAgain(parts, (key, ref) => want(key, ref));
  // A sweep may have passed a resource by the time that it changes, and the scaler need not do one twice at once.
  const changedInSweep = new Map<string, ResourceRef>();

  const want = (key: string, ref: ResourceRef | undefined): void => {
    if (!reconcile || signal.aborted || (ref && retry.waits(key, ref))) return;
    if (ref && running.has(sweepKey)) changedInSweep.set(key, ref);
    wanted.set(key, ref);
    fill();
  };
  const run = async (key: string, ref: ResourceRef | undefined, leave: () => void): Promise<void> => {
    try {
      const results = (await reconcile?.(ref ? [ref] : [], { signal })) ?? [];
      retry.ended(key);
      for (const result of results) take(result, retry, again, key === sweepKey);
    } catch (error) {
      retry.failed(key, ref, error);
    }
    running.delete(key);
    leave();
    if (key === sweepKey) {
      const changed = [...changedInSweep];
      changedInSweep.clear();
      for (const [changedKey, changedRef] of changed) want(changedKey, changedRef);
    }
    fill();
  };
  const fill = (): void => {
    for (const [key, ref] of wanted) {
      if (signal.aborted || slots.full) return;
      if (running.has(key)) continue;
      if (isParking(key)) {
        wanted.delete(key);
        continue;
      }
      const leave = slots.take(ref?.namespace ?? sweepKey);
      if (leave === undefined) continue;
      wanted.delete(key);
      const work = Promise.resolve().then(() => run(key, ref, leave));
      running.set(key, work);
    }
  };

  return {
    /** Reconciles the resource, which has changed. Any number of calls while one runs become one more. */
    notify: ({ namespace, name }: ResourceRef): void => want(resourceKey({ namespace, name }), { namespace, name }),
    /** Reconciles all resources: `reconcile([])`. */
    sweep: (): void => want(sweepKey, undefined),
    /** Resolves when no call is under way. */
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

function take(
  result: ScaleResult,
  retry: ReturnType<typeof createRetry>,
  again: ReturnType<typeof createAgain>,
  ofSweep: boolean,
): void {
  const { namespace, name } = result.resource;
  const ref = { namespace, name };
  const key = resourceKey(ref);
  const againMs = result.ok ? result.againMs : undefined;
  // A result of a sweep may be older than that of a call in between: it does not take the other's time away.
  if (!ofSweep || againMs !== undefined) again.plan(key, ref, againMs);
  if (result.ok) retry.ended(key);
  else retry.failed(key, ref, result.error);
}

/** A scaler that asks for less would be called without a pause, one that asks for more may wait for a tick. */
const [leastAgainMs, mostAgainMs] = [50, 3_600_000];

/** Calls for a resource again when its last result asked for it: one timer each. */
function createAgain({ clock, signal }: ReconcilerParts, want: (key: string, ref: ResourceRef) => void) {
  const planned = new Map<string, CancelTimer>();
  signal.addEventListener('abort', () => planned.forEach((cancel) => cancel()), { once: true });
  return {
    plan(key: string, ref: ResourceRef, againMs: number | undefined): void {
      planned.get(key)?.();
      planned.delete(key);
      if (againMs === undefined || signal.aborted) return;
      const waitMs = Math.min(Math.max(againMs, leastAgainMs), mostAgainMs);
      const cancel = clock.after(waitMs, () => {
        planned.delete(key);
        want(key, ref);
      });
      planned.set(key, cancel);
    },
  };
}

/** A resource, or the sweep, that failed, and when it is tried again. */
interface Failing {
  count: number;
  /** When it failed last, by the monotonic clock. */
  sinceMs: number;
  againMs: number;
  cancel: CancelTimer;
}

/** Milliseconds from a failure to a retry because of a change: the failing call may have made the change itself. */
const afterChangeMs = 1000;

/** The rate of log lines about the resources of one namespace, whose owner may cause any number of failures. */
const lineRate = { perSecond: 0.5, burst: 30 };

/** Logged are the attempts 1, 2, 4, 8, … */
const isLogged = (attempt: number): boolean => Number.isInteger(Math.log2(attempt));

/** Retries failed calls, later and later, with one timer for each resource, until they succeed. */
function createRetry(
  { clock, logger, retryMs, signal }: ReconcilerParts,
  again: (key: string, ref: ResourceRef | undefined) => void,
) {
  const failing = new Map<string, Failing>();
  const lines = new PeerRates(lineRate, clock);
  signal.addEventListener('abort', () => failing.forEach(({ cancel }) => cancel()), { once: true });
  const plan = (one: Failing, key: string, ref: ResourceRef | undefined, waitMs: number): void => {
    one.cancel();
    one.againMs = clock.monotonic() + waitMs;
    one.cancel = clock.after(waitMs, () => again(key, ref));
  };
  return {
    ended(key: string): void {
      failing.get(key)?.cancel();
      failing.delete(key);
    },
    /** Whether the resource failed so lately that it has to wait; it is then planned for later. */
    waits(key: string, ref: ResourceRef): boolean {
      const one = failing.get(key);
      if (one === undefined) return false;
      const nowMs = clock.monotonic();
      const untilMs = Math.min(one.againMs, one.sinceMs + afterChangeMs);
      if (nowMs >= untilMs) return false;
      if (untilMs < one.againMs) plan(one, key, ref, untilMs - nowMs);
      return true;
    },
    failed(key: string, ref: ResourceRef | undefined, error: unknown): void {
      if (signal.aborted) return;
      const sinceMs = clock.monotonic();
      const one = failing.get(key) ?? { count: 0, sinceMs, againMs: 0, cancel: () => {} };
      failing.set(key, one);
      one.count += 1;
      one.sinceMs = sinceMs;
      if (isLogged(one.count) && lines.take(ref?.namespace ?? sweepKey)) {
        logger.warn('reconcile failed, trying again', {
          namespace: ref?.namespace,
          resource: ref?.name,
          attempt: one.count,
          err: error,
        });
      }
      plan(one, key, ref, doublingMs(one.count, retryMs, retryMs * 32));
    },
  };
}
