import { type Clock, systemClock } from '@scaler/scaler-types';
import { RuntimeError } from '../errors.ts';

/** A long-running part of a process. */
export interface Part {
  name: string;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface SuperviseOptions {
  /** Milliseconds that the others may take to end after one has failed, before the failure is thrown anyway. Default: 5000. */
  graceMs?: number;
  clock?: Clock;
}

/**
 * Runs parts until the signal aborts and all have ended. If one ends or throws before that, the others are aborted.
 *
 * @throws RuntimeError `part-ended` or `part-failed` that names the part; the first one, where several fail.
 */
export async function supervise(
  parts: readonly Part[],
  signal: AbortSignal,
  options: SuperviseOptions = {},
): Promise<void> {
  const { graceMs = 5_000, clock = systemClock } = options;
  const stop = new AbortController();
  const stopAll = AbortSignal.any([signal, stop.signal]);
  let failure: RuntimeError | undefined;
  const fail = (error: RuntimeError): void => {
    failure ??= error;
    stop.abort(error);
  };
  const all = Promise.all(parts.map((part) => runPart(part, stopAll).catch(fail)));
  let cancel = (): void => {};
  const graceOver = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => (cancel = clock.after(graceMs, resolve)), { once: true });
  });
  await Promise.race([all, graceOver]);
  cancel();
  if (failure) throw failure;
}

async function runPart(part: Part, signal: AbortSignal): Promise<void> {
  try {
    await part.run(signal);
  } catch (error) {
    if (signal.aborted && isAbort(error, signal)) return;
    const text = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('part-failed', `part "${part.name}" failed: ${text}`, { cause: error });
  }
  if (!signal.aborted)
    throw new RuntimeError('part-ended', `part "${part.name}" ended before the process was asked to stop`);
}

/** Whether an error is only the echo of the abort. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (error === signal.reason) return true;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === 'AbortError' || code === 'stopping';
}
