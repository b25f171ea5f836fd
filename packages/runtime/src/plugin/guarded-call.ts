import type { Clock } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';
import { sentence } from './complaints.ts';
import { toldError } from './told-error.ts';

export interface CallOptions {
  readonly packageName: string;
  readonly member: string;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limitMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that it has after the signal, to leave nothing half done. Default 0. */
  readonly graceMs?: number;
  /** Told that it took too long, a clause. */
  readonly onLate?: (problem: string) => void;
}

/**
 * Calls what a scaler has, and waits for it no longer than it may take.
 *
 * @throws what it threw, as an error; the signal's reason; RuntimeError `scaler-slow`, one sentence.
 */
export async function callGuarded<T>(options: CallOptions, work: () => PromiseLike<T> | T): Promise<T> {
  const { packageName, member, clock, limitMs, signal, graceMs = 0 } = options;
  const threw = (error: unknown): Error => toldError(error, sentence(packageName, member, 'threw'));
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
    // What comes too late is nobody's error.
    Promise.resolve(result).then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => fail(threw(error)),
    );
  });
}

/** A promise from where none is allowed: its failure is told, and ends nothing. */
export function catchLate(value: unknown, failed: (error: unknown) => void): void {
  if (isThenable(value)) Promise.resolve(value).catch(failed);
}

function isThenable<T>(value: PromiseLike<T> | T): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}
