import { TestingKitError } from '../../errors.ts';

/** Signals changes, at most once per turn of the event loop. */
export interface Changes {
  /** Signals a change. */
  notify(): void;
  /** Resolves at the next change. */
  next(): Promise<void>;
  close(): void;
}

export function createChanges(): Changes {
  let waiting = Promise.withResolvers<void>();
  let turn: NodeJS.Immediate | undefined;
  return {
    notify() {
      turn ??= setImmediate(() => {
        turn = undefined;
        const notified = waiting;
        waiting = Promise.withResolvers();
        notified.resolve();
      });
    },
    next: () => waiting.promise,
    close: () => clearImmediate(turn),
  };
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Real time, also under a fake clock. Default 10 000. */
  readonly timeoutMs?: number;
}

/**
 * Resolves with the predicate's first truthy value; it is asked now and after every change.
 *
 * @throws the signal's reason; TestingKitError `wait-timeout` when the time is over; the predicate's own error.
 */
export async function waitFor<T>(
  changes: Changes,
  predicate: () => T | Promise<T>,
  { signal, timeoutMs = 10_000 }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      over.reject(
        new TestingKitError('wait-timeout', `not true within ${timeoutMs} ms: ${String(predicate).slice(0, 300)}`),
      ),
    timeoutMs,
  );
  const onAbort = (): void => over.reject(signal?.reason as Error);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      // Taken before the question, so that no change in between is missed.
      const next = changes.next();
      const value = await Promise.race([predicate(), over.promise]);
      if (value) return value;
      await Promise.race([next, over.promise]);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
