import type { Clock } from '@scaler/scaler-types';

/** A time limit and the caller's signal as one signal, for everything that one piece of work waits for. */
export interface Deadline {
  readonly signal: AbortSignal;
  readonly limitMs: number;
  remainingMs(): number;
  /** Whether the caller gave up; else the signal aborts because the limit passed. */
  isCallersEnd(): boolean;
  /** Ends the timer and lets the caller's signal go. Harmless when called again. */
  dispose(): void;
}

/** Starts now. The signal's reason is the caller's where the caller gave up, else an error that names the limit. */
export function startDeadline(clock: Clock, limitMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const startMs = clock.monotonic();
  const onOuter = (): void => controller.abort(outer?.reason);
  const cancel = clock.after(limitMs, () => controller.abort(new Error(`It took longer than ${limitMs} ms`)));
  if (outer?.aborted) onOuter();
  else outer?.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    limitMs,
    remainingMs: () => Math.max(0, limitMs - (clock.monotonic() - startMs)),
    isCallersEnd: () => outer?.aborted === true,
    dispose: () => {
      cancel();
      outer?.removeEventListener('abort', onOuter);
    },
  };
}
