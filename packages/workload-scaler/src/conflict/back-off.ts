import { doublingMs } from '@scaler/async';

/** What another client may take back. */
export const reverted = ['key', 'slices', 'replicas', 'zero', 'token'] as const;

/** What another client took back of a resource. */
export interface Revert {
  /** `zero`: the replicas, right after a wake; nothing speaks against diverting it then. */
  readonly what: (typeof reverted)[number];
  /** Of which object: `Service web`. */
  readonly object: string;
  /** An earlier leader of ours may have done it: it counts only where another client is known to have written. */
  readonly doubtful?: true;
}

/** How it stands between us and another writer of the same fields. Times are of the monotonic clock. */
export interface Conflict {
  /** How often in a row, within the window. */
  readonly times: number;
  readonly lastMs: number;
  /** How often it was given way to. */
  readonly level: number;
  /** Nothing is begun before; undefined: nothing stands in the way. */
  readonly untilMs: number | undefined;
}

const windowMs = 3_600_000;
const firstMs = 600_000;
const longestMs = 6 * 3_600_000;
/** Once may be a person. After the first back-off it is known better. */
const tolerated = 1;

/**
 * How it stands after one more revert. The second within an hour is given way to, for 10 minutes; after that each one is,
 * for twice as long, up to 6 hours. An hour without any makes it forgotten. Pure.
 */
export function afterRevert(before: Conflict | undefined, nowMs: number): Conflict {
  const { times, level, untilMs } = remembered(before, nowMs) ?? { times: 0, level: 0, untilMs: undefined };
  // What was under way when it was given way to is taken back too.
  if (untilMs !== undefined && nowMs < untilMs) return { times: times + 1, level, untilMs, lastMs: nowMs };
  if (level === 0 && times < tolerated) return { times: times + 1, level, untilMs: undefined, lastMs: nowMs };
  const backOffMs = doublingMs(level + 1, firstMs, longestMs);
  return { times: times + 1, level: level + 1, untilMs: nowMs + backOffMs, lastMs: nowMs };
}

/** The conflict, unless it was over long ago. */
export function remembered(conflict: Conflict | undefined, nowMs: number): Conflict | undefined {
  if (conflict === undefined) return undefined;
  const endedMs = Math.max(conflict.lastMs, conflict.untilMs ?? 0);
  return nowMs < endedMs + windowMs ? conflict : undefined;
}

/** For how long nothing is to be begun, in milliseconds; 0: it may. */
export function backOffLeft(conflict: Conflict | undefined, nowMs: number): number {
  return Math.max(0, (conflict?.untilMs ?? nowMs) - nowMs);
}
