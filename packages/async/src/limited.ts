import { type Clock, formatDuration } from '@scaler/scaler-types';
import { unlessAborted } from './abort.ts';
import { startDeadline } from './deadline.ts';

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
  const deadline = startDeadline(clock, limitMs, signal);
  try {
    return await unlessAborted(work(deadline.signal), deadline.signal);
  } catch (error) {
    signal.throwIfAborted();
    throw deadline.signal.aborted ? new Error(`it took longer than ${formatDuration(limitMs)}`) : error;
  } finally {
    deadline.dispose();
  }
}
