import { type Clock, formatDuration } from '@scaler/scaler-types';
import { unlessAborted } from './abort.ts';

export interface LimitOptions {
  clock: Clock;
  limitMs: number;
  signal: AbortSignal;
}

/**
 * `work` with a signal that aborts after `limitMs` too, and no later than that.
 *
 * @throws what `work` throws; an Error that says that it took too long; the signal's reason.
 */
export async function limited<T>(
  { clock, limitMs, signal }: LimitOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const cancel = clock.after(limitMs, () => limit.abort(new Error(`it took longer than ${formatDuration(limitMs)}`)));
  const both = AbortSignal.any([signal, limit.signal]);
  try {
    return await unlessAborted(work(both), both);
  } catch (error) {
    signal.throwIfAborted();
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    cancel();
  }
}
