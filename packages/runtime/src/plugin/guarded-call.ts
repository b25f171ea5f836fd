import type { Clock } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { sentence } from './problem-log.ts';
import { scalerError } from './scaler-error.ts';

export interface CallOptions {
  readonly packageName: string;
  readonly member: string;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limitMs: number;
  /** Ends the wait for the answer. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that the call has after the signal, to leave nothing half done. Default 0. */
  readonly graceMs?: number;
  /** Called when the call takes too long, with a clause that says so. */
  readonly onLate?: (problem: string) => void;
}

/**
 * Calls a member of a scaler, and waits for its answer up to the limit.
 *
 * @throws the scaler's own error; the signal's reason; RuntimeError `scaler-slow`, one sentence.
 */
export async function callGuarded<T>(options: CallOptions, work: () => PromiseLike<T> | T): Promise<T> {
  const { packageName, member, clock, limitMs, signal, graceMs = 0 } = options;
  const threw = (error: unknown): Error => scalerError(error, sentence(packageName, member, 'threw'));
  let result: PromiseLike<T> | T;
  try {
    signal?.throwIfAborted();
    result = work();
    if (!isThenable(result)) return result;
  } catch (error) {
    throw signal?.aborted === true && error === signal.reason ? error : threw(error);
  }
  return new Promise<T>((resolve, reject) => {
    let cancelGrace = (): void => {};
    const end = (): void => {
      cancel();
      cancelGrace();
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      end();
      reject(error as Error);
    };
    const onAbort = (): void => {
      const reason = signal?.reason as unknown;
      if (graceMs === 0) fail(reason);
      else cancelGrace = clock.after(graceMs, () => fail(reason));
    };
    const text = `did not answer within ${limitMs / 1000} s`;
    const late = (): void => {
      options.onLate?.(text);
      fail(new RuntimeError('scaler-slow', sentence(packageName, member, text)));
    };
    const cancel = clock.after(limitMs, late);
    signal?.addEventListener('abort', onAbort, { once: true });
    // After the limit or the signal, an answer or an error that still comes has no effect.
    Promise.resolve(result).then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => fail(threw(error)),
    );
  });
}

/** Takes a promise that is returned where none is allowed: its rejection goes to `failed`, and does not end the process. */
export function catchLate(value: unknown, failed: (error: unknown) => void): void {
  if (isThenable(value)) Promise.resolve(value).catch(failed);
}

function isThenable<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}
