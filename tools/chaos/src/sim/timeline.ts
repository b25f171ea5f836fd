import { type CancelTimer, type Clock, sleepWith } from '@scaler/scaler-types';
import type { Activity } from './activity.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Time that moves only when a step says so; every process of the simulation has a clock on it.
 * See docs/decisions/simulated-time.md.
 */
export interface Timeline {
  /** Milliseconds since the simulation began. */
  readonly ms: number;
  /** The clock of the cluster itself, which is no simulated process. */
  readonly clock: Clock;
  /**
   * A process's own clock: it ends with the process, stands still while the process is frozen, and its wall clock may
   * be wrong.
   */
  clockOf(sandbox: Sandbox): Clock;
  /** Lets time pass: every timer runs when it is due, with everything at rest before it and after it. */
  advance(ms: number): Promise<void>;
  /** Runs the timers of a thawed process that fell due meanwhile. */
  thaw(sandbox: Sandbox): void;
}

interface Timer {
  dueMs: number;
  readonly order: number;
  readonly sandbox: Sandbox | undefined;
  readonly callback: () => void;
  cancelled: boolean;
}

const epochMs = Date.UTC(2026, 0, 1);

export function createTimeline(activity: Activity): Timeline {
  const heap: Timer[] = [];
  const late = new Map<Sandbox, Timer[]>();
  let nowMs = 0;
  let order = 0;

  const add = (sandbox: Sandbox | undefined, ms: number, callback: () => void): CancelTimer => {
    const timer = { dueMs: nowMs + Math.max(0, ms), order: order++, sandbox, callback, cancelled: false };
    push(heap, timer);
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
    get ms() {
      return nowMs;
    },
    clock: clock(undefined),
    clockOf: clock,
    advance: async (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        await activity.rest();
        const next = heap[0];
        if (next === undefined || next.dueMs > endMs) break;
        pop(heap);
        nowMs = Math.max(nowMs, next.dueMs);
        due(next);
      }
      nowMs = endMs;
    },
    thaw: (sandbox) => {
      for (const timer of late.get(sandbox) ?? []) {
        timer.dueMs = nowMs;
        push(heap, timer);
      }
      late.delete(sandbox);
    },
  };
}

function before(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(timer, heap[parent] as Timer)) break;
    heap[at] = heap[parent] as Timer;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
    if (!before(heap[child] as Timer, last)) break;
    heap[at] = heap[child] as Timer;
    at = child;
  }
  heap[at] = last;
}
