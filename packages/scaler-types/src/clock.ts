/** Cancels a timer; harmless once it has fired. */
export type CancelTimer = () => void;

/**
 * The source of time. All code of scaler that reads time or waits takes a `Clock`, so that tests decide when time
 * passes. {@link systemClock} is the real one; `@scaler/testing-kit` has `createFakeClock`.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump; use it only for times that are written down or compared with other machines. */
  now(): number;
  /** Milliseconds from an arbitrary origin, never going back. Use it for every duration. */
  monotonic(): number;
  /** Calls `callback` once, `ms` milliseconds from now (at least 0). */
  after(ms: number, callback: () => void): CancelTimer;
  /**
   * Resolves `ms` milliseconds from now.
   *
   * @throws the signal's reason as soon as `signal` aborts (at once if it already has).
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Builds `sleep` from `after`, so that every clock aborts alike. */
export function sleepWith(after: Clock['after']): Clock['sleep'] {
  return (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
}

// Node's timers fire at once beyond it.
const longestMs = 2 ** 31 - 1;

function after(ms: number, callback: () => void): CancelTimer {
  let timer: NodeJS.Timeout;
  const wait = (restMs: number): void => {
    if (restMs <= longestMs) timer = setTimeout(callback, Math.max(0, restMs));
    else timer = setTimeout(() => wait(restMs - longestMs), longestMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after,
  sleep: sleepWith(after),
};
