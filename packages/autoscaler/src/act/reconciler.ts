import { type Clock, type Logger, type ResourceRef, type ResourceScaler, resourceKey } from '@scaler/scaler-types';

export interface ReconcilerParts {
  /** Undefined where the scaler has no such ability: then nothing here does anything. */
  reconcile: NonNullable<ResourceScaler['reconcile']> | undefined;
  /** Whether a park runs for it: its own steps are not to be disturbed. It is notified again when the park ends. */
  isParking: (key: string) => boolean;
  clock: Clock;
  logger: Logger;
  /** Resources at once. */
  limit: number;
  /** Milliseconds before a failed one is tried again; doubled up to 32 times that. */
  retryMs: number;
  /** Ends it. */
  signal: AbortSignal;
}

/** Calls the scaler's `reconcile` on events and ticks, never twice at once for the same resource. */
export interface Reconciler {
  /** Something about the resource changed. Any number of calls while one runs become one more. */
  notify(ref: ResourceRef): void;
  /** `reconcile([])`: what concerns no single resource. */
  sweep(): void;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

/** What a sweep is entered under; no resource has an empty name. */
const sweepKey = '';

export function createReconciler(parts: ReconcilerParts): Reconciler {
  const { reconcile, isParking, clock, logger, limit, retryMs, signal } = parts;
  const wanted = new Map<string, ResourceRef | undefined>();
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, number>();

  const want = (key: string, ref: ResourceRef | undefined): void => {
    if (!reconcile || signal.aborted) return;
    wanted.set(key, ref);
    fill();
  };
  const failed = (key: string, ref: ResourceRef | undefined, error: unknown): void => {
    if (signal.aborted) return;
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    logger.warn('reconcile failed, trying again', { resource: key, err: error, attempt: count });
    const cancel = clock.after(retryMs * 2 ** Math.min(count - 1, 5), () => {
      signal.removeEventListener('abort', cancel);
      want(key, ref);
    });
    signal.addEventListener('abort', cancel, { once: true });
  };
  const run = async (key: string, ref: ResourceRef | undefined): Promise<void> => {
    let error: unknown;
    try {
      const results = (await reconcile?.(ref ? [ref] : [], { signal })) ?? [];
      error = results.find((result) => !result.ok)?.error;
    } catch (thrown) {
      error = thrown;
    }
    running.delete(key);
    if (error === undefined) failures.delete(key);
    else failed(key, ref, error);
    fill();
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
