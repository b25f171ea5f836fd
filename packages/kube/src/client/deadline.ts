import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '../errors.ts';

/** One time limit and the caller's signal, as one signal for all that a call waits for. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** Why the call ends: `timeout` when the limit passed, `aborted` when the caller gave up. */
  error(what: string): KubeError;
  dispose(): void;
}

export function startDeadline(clock: Clock, limitMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const startMs = clock.monotonic();
  const onOuter = (): void => controller.abort(outer?.reason);
  const cancel = clock.after(limitMs, () => controller.abort());
  if (outer?.aborted) onOuter();
  else outer?.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(0, limitMs - (clock.monotonic() - startMs)),
    error: (what) =>
      outer?.aborted
        ? new KubeError('aborted', `${what} was aborted`, { cause: outer.reason })
        : new KubeError('timeout', `${what} took longer than ${limitMs} ms`),
    dispose: () => {
      cancel();
      outer?.removeEventListener('abort', onOuter);
    },
  };
}
