import {
  type Clock,
  type Logger,
  type ResourceRef,
  type ResourceScaler,
  resourceKey,
  type ScaleResult,
} from '@scaler/scaler-types';

export interface ReconcilerParts {
  /** Undefined where the scaler has no such ability: then nothing here does anything. */
  reconcile: NonNullable<ResourceScaler['reconcile']> | undefined;
  /** Whether a park runs for it: its own steps are not to be disturbed. It is notified again when the park ends. */
  isParking: (key: string) => boolean;
  clock: Clock;
  logger: Logger;
  /** Calls at once. */
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
  const { reconcile, isParking, limit, signal } = parts;
  const wanted = new Map<string, ResourceRef | undefined>();
  const running = new Map<string, Promise<void>>();
  const retry = createRetry(parts, (key, ref) => want(key, ref));
  // A sweep may have passed a resource by the time that it changes, and the scaler need not do one twice at once.
  const changedInSweep = new Map<string, ResourceRef>();

  const want = (key: string, ref: ResourceRef | undefined): void => {
    if (!reconcile || signal.aborted) return;
    if (ref && running.has(sweepKey)) changedInSweep.set(key, ref);
    wanted.set(key, ref);
    fill();
  };
  const run = async (key: string, ref: ResourceRef | undefined): Promise<void> => {
    try {
      const results = (await reconcile?.(ref ? [ref] : [], { signal })) ?? [];
      retry.ended(key);
      for (const result of results) tellResult(result);
    } catch (error) {
      retry.failed(key, ref, error);
    }
    running.delete(key);
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
      if (signal.aborted || running.size >= limit) return;
      if (running.has(key)) continue;
      wanted.delete(key);
      if (isParking(key)) continue;
      running.set(
        key,
        Promise.resolve().then(() => run(key, ref)),
      );
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

/** Tries again what failed, later and later. */
function createRetry(
  { clock, logger, retryMs, signal }: ReconcilerParts,
  again: (key: string, ref: ResourceRef | undefined) => void,
) {
  const failures = new Map<string, number>();
  return {
    ended: (key: string): void => void failures.delete(key),
    failed(key: string, ref: ResourceRef | undefined, error: unknown): void {
      if (signal.aborted) return;
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      logger.warn('reconcile failed, trying again', {
        namespace: ref?.namespace,
        resource: ref?.name,
        attempt: count,
        err: error,
      });
      const cancel = clock.after(retryMs * 2 ** Math.min(count - 1, 5), () => {
        signal.removeEventListener('abort', cancel);
        again(key, ref);
      });
      signal.addEventListener('abort', cancel, { once: true });
    },
  };
}
