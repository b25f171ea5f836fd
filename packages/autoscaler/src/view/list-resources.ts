import type { Clock, Resource, ResourceScaler } from '@scaler/scaler-types';
import { AutoscalerError } from '../errors.ts';
import { unlessAborted } from '@scaler/runtime';

export interface ListerParts {
  scaler: Pick<ResourceScaler, 'getResources'>;
  clock: Clock;
  /** Milliseconds after which a call that has not ended counts as failed. */
  timeoutMs: number;
}

/** The scaler's `getResources` with a limit in time, and never twice at once: one that hangs is waited for again. */
export function createLister({ scaler, clock, timeoutMs }: ListerParts) {
  let pending: Promise<readonly Resource[]> | undefined;
  return async (signal: AbortSignal): Promise<readonly Resource[]> => {
    pending ??= scaler.getResources().finally(() => (pending = undefined));
    const limit = new AbortController();
    const text = `getResources has not ended for ${timeoutMs} ms`;
    const cancel = clock.after(timeoutMs, () => limit.abort(new AutoscalerError('scaler-slow', text)));
    try {
      return await unlessAborted(pending, AbortSignal.any([signal, limit.signal]));
    } finally {
      cancel();
    }
  };
}
