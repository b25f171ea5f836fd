import { type CancelTimer, type Clock, sleepWith } from '@scaler/scaler-types';
import type { Activity } from './activity.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Time that moves only when a step says so; every process of the simulation has a clock on it.
 * See docs/decisions/simulated-time.md.
 */
export type Timeline = ReturnType<typeof createTimeline>;

interface Timer {
  dueMs: number;
  readonly order: number;
  readonly sandbox: Sandbox | undefined;
  readonly callback: () => void;
  cancelled: boolean;
}

const epochMs = Date.UTC(2026, 0, 1);

export function createTimeline(activity: Activity) {
  /** The next one first. */
  const timers: Timer[] = [];
  const late = new Map<Sandbox, Timer[]>();
  let nowMs = 0;
  let order = 0;

  const add = (sandbox: Sandbox | undefined, ms: number, callback: () => void): CancelTimer => {
    const timer = { dueMs: nowMs + Math.max(0, ms), order: order++, sandbox, callback, cancelled: false };
    insert(timers, timer);
    activity.note();
    return () => void (timer.cancelled = true);
  };

  const fire = ({ sandbox, callback }: Timer): void => {
    if (sandbox === undefined) callback();
    else sandbox.run(callback);
  };

  const due = (timer: Timer): void => {
    const { sandbox } = timer;
    if (timer.cancelled || sandbox?.dead === true) return;
    if (sandbox?.frozen === true) late.set(sandbox, [...(late.get(sandbox) ?? []), timer]);
    else fire(timer);
  };

  const clock = (sandbox: Sandbox | undefined): Clock => {
    const after = (ms: number, callback: () => void): CancelTimer => add(sandbox, ms, callback);
    return {
      now: () => epochMs + Math.floor(nowMs) + (sandbox?.wrongByMs ?? 0),
      monotonic: () => nowMs,
      after,
      sleep: sleepWith(after),
    };
  };

  return {
    /** Milliseconds since the simulation began. */
    get ms() {
      return nowMs;
    },
    /** The clock of the cluster itself, which is no simulated process. */
    clock: clock(undefined),
    /**
     * A process's own clock: it ends with the process, stands still while the process is frozen, and its wall clock may
     * be wrong.
     */
    clockOf: clock,
    /** Lets time pass: every timer runs when it is due, with everything at rest before it and after it. */
    advance: async (ms: number): Promise<void> => {
      const endMs = nowMs + ms;
      for (;;) {
        await activity.rest();
        const next = timers[0];
        if (next === undefined || next.dueMs > endMs) break;
        timers.shift();
        nowMs = Math.max(nowMs, next.dueMs);
        due(next);
      }
      nowMs = endMs;
    },
    /** Runs the timers of a thawed process that fell due meanwhile. */
    thaw: (sandbox: Sandbox): void => {
      for (const timer of late.get(sandbox) ?? []) {
        timer.dueMs = nowMs;
        insert(timers, timer);
      }
      late.delete(sandbox);
    },
  };
}

/** Keeps the timers in the order in which they are due; those of one moment in that in which they were set. */
function insert(timers: Timer[], timer: Timer): void {
  const at = timers.findLastIndex(
    ({ dueMs, order }) => dueMs < timer.dueMs || (dueMs === timer.dueMs && order < timer.order),
  );
  timers.splice(at + 1, 0, timer);
}
