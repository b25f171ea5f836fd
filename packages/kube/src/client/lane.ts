import type { CancelTimer, Clock } from '@scaler/scaler-types';

/**
 * The budget that a call uses. Each lane has sockets of its own, so no call of one lane queues in front of another lane's.
 * - `wake`: calls that a held request waits for, and those that keep the Lease. No rate limit.
 * - `normal`: all other calls.
 * - `mirror`: slices that follow the DLX's addresses, thousands of them at once, so that no other call waits for them.
 * - `bulk`: lists, Events.
 */
export type Lane = 'wake' | 'normal' | 'mirror' | 'bulk';

/** The budget of one lane. */
export interface LaneBudget {
  /** Calls at the same time, and with that sockets. */
  readonly concurrency: number;
  /** Calls per second in the long run; undefined means no limit. */
  readonly qps?: number;
  /** Calls that may follow each other at once when the lane was idle; default: `qps`. */
  readonly burst?: number;
}

export const defaultBudgets: Readonly<Record<Lane, LaneBudget>> = {
  wake: { concurrency: 32 },
  normal: { concurrency: 16, qps: 50, burst: 100 },
  mirror: { concurrency: 16, qps: 400, burst: 800 },
  bulk: { concurrency: 8, qps: 20, burst: 40 },
};

export type LaneGate = ReturnType<typeof createLaneGate>;

/**
 * Admits calls first come, first served within a budget: the returned function resolves with one that gives the place back.
 * It rejects with the signal's reason when that aborts first.
 */
export function createLaneGate(budget: LaneBudget, clock: Clock): (signal: AbortSignal) => Promise<() => void> {
  const bucket = createBucket(budget, clock);
  const waiting = new Set<() => void>();
  let running = 0;
  let timer: CancelTimer | undefined;

  function pump(): void {
    timer?.();
    timer = undefined;
    for (const admit of waiting) {
      if (running >= budget.concurrency) return;
      const waitMs = bucket.take();
      if (waitMs > 0) {
        timer = clock.after(waitMs, pump);
        return;
      }
      waiting.delete(admit);
      running += 1;
      admit();
    }
  }

  function leaveOnce(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      running -= 1;
      pump();
    };
  }

  return (signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = (): void => {
        waiting.delete(admit);
        if (waiting.size === 0) timer?.();
        reject(signal.reason as Error);
      };
      const admit = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(leaveOnce());
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(admit);
      pump();
    });
}

/** `take` spends a token and returns 0, or returns how long to wait for the next one. */
function createBucket({ qps, burst = qps }: LaneBudget, clock: Clock): { take(): number } {
  if (qps === undefined || burst === undefined) return { take: () => 0 };
  let tokens = burst;
  let filledAtMs = clock.monotonic();
  return {
    take: () => {
      const nowMs = clock.monotonic();
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) * qps) / 1000);
      filledAtMs = nowMs;
      // Timers are exact to a millisecond only: without the allowance the wait could end a hair too early, again and again.
      if (tokens < 1 - 1e-6) return Math.max(1, ((1 - tokens) * 1000) / qps);
      tokens -= 1;
      return 0;
    },
  };
}
