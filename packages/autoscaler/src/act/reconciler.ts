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
import { createSlots, type Slot } from './slots.ts';

export interface ReconcilerParts {
  /** Undefined where the scaler has no such ability: then nothing here does anything. */
  reconcile: NonNullable<ResourceScaler['reconcile']> | undefined;
  /** Whether a park runs for it: its own steps are not to be disturbed. It is notified again when the park ends. */
  isParking: (key: string) => boolean;
  clock: Clock;
  logger: Logger;
  /** Calls at once, over all namespaces. */
  limit: number;
  /** Milliseconds before what failed is tried again; doubled with each time in a row, up to 32 times that. */
  retryMs: number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Calls the scaler's `reconcile` on events and ticks, never twice at once for the same resource. */
export interface Reconciler {
  /** Something about the resource changed. Any number of calls while one runs become one more. */
  notify(ref: ResourceRef): void;
  /** `reconcile([])`: everything there is. */
  sweep(): void;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

/** What a sweep is entered under; no resource has an empty name. */
const sweepKey = '';

export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { reconcile, isParking, limit, clock, signal } = parts;
  const slots = createSlots(limit, clock, () => fill());
  const wanted = new Map<string, ResourceRef | undefined>();
  const running = new Map<string, Promise<void>>();
  const retry = createRetry(parts, (key, ref) => want(key, ref));
  // A sweep may have passed a resource by the time that it changes, and the scaler need not do one twice at once.
  const changedInSweep = new Map<string, ResourceRef>();

  const want = (key: string, ref: ResourceRef | undefined): void => {
    if (!reconcile || signal.aborted || (ref && retry.waits(key, ref))) return;
    if (ref && running.has(sweepKey)) changedInSweep.set(key, ref);
    wanted.set(key, ref);
    fill();
  };
  const run = async (key: string, ref: ResourceRef | undefined, slot: Slot): Promise<void> => {
    try {
      const results = (await reconcile?.(ref ? [ref] : [], { signal })) ?? [];
      retry.ended(key);
      for (const result of results) tellResult(result);
    } catch (error) {
      retry.failed(key, ref, error);
    }
    running.delete(key);
    slot.leave();
    if (key === sweepKey) {
      const changed = [...changedInSweep];
      changedInSweep.clear();
      for (const [changedKey, changedRef] of changed) want(changedKey, changedRef);
    }
    fill();
  };
  const tellResult = (result: ScaleResult): void => {
    const { namespace, name } = result.resource;
    const key = resourceKey({ namespace, name });
    if (result.ok) retry.ended(key);
    else retry.failed(key, { namespace, name }, result.error);
  };
  const fill = (): void => {
    for (const [key, ref] of wanted) {
      if (signal.aborted || slots.full) return;
      if (running.has(key)) continue;
      if (isParking(key)) {
        wanted.delete(key);
        continue;
      }
      const slot = slots.take(ref?.namespace ?? sweepKey);
      if (slot === undefined) continue;
      wanted.delete(key);
      const work = Promise.resolve().then(() => run(key, ref, slot));
      running.set(key, work);
    }
  };

  return {
    notify: ({ namespace, name }) => want(resourceKey({ namespace, name }), { namespace, name }),
    sweep: () => want(sweepKey, undefined),
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

/** What failed, and when it is tried again. */
interface Failing {
  count: number;
  /** Monotonic. */
  sinceMs: number;
  againMs: number;
  cancel: CancelTimer;
}

/** A change may be what it needed, or what it does wrong itself: it is not tried again at once for it. */
const afterChangeMs = 1000;

/** Lines in the log about the resources of one namespace: what they say is their owner's doing. */
const lineRate = { perSecond: 0.5, burst: 30 };

/** Each attempt is told that doubles the number of those before it. */
const isTold = (attempt: number): boolean => Number.isInteger(Math.log2(attempt));

/** Tries again what failed, later and later, one timer each. Only a success ends that. */
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
    /** Whether it failed so lately that it has to wait, which it then does. */
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
      if (isTold(one.count) && lines.take(ref?.namespace ?? sweepKey)) {
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
