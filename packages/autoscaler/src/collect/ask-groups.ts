import type { Clock } from '@scaler/scaler-types';
import { limited, mapBounded } from '@scaler/async';
import { type Sample, samplesOf, unknown } from './sample.ts';
import type { Collected } from './collect.ts';
import type { Want } from './want.ts';

/** The bounds of a source that needs many calls. */
export interface CallLimits {
  clock: Clock;
  /** Milliseconds for one call. */
  timeoutMs: number;
  /** Milliseconds for all calls of one collection. */
  collectTimeoutMs: number;
  /** Calls at once. */
  concurrency: number;
}

/** The wants that one call answers. */
export type Group = readonly [Want, ...Want[]];

export function groupWants(wants: readonly Want[], keyOf: (want: Want) => string): readonly Group[] {
  return [...Map.groupBy(wants, keyOf).values()] as unknown as readonly Group[];
}

/**
 * Asks for every group, some at once. A group that fails, or whose turn does not come in time, is unknown and a failure; the
 * samples of the other groups stay.
 *
 * @throws only the signal's reason.
 */
export async function askGroups(
  groups: readonly Group[],
  limits: CallLimits,
  signal: AbortSignal,
  ask: (group: Group, signal: AbortSignal) => Promise<Collected>,
): Promise<Collected> {
  const samples = new Map<string, Sample>();
  const failures = new Set<string>();
  const endsMs = limits.clock.monotonic() + limits.collectTimeoutMs;
  await mapBounded(groups, limits.concurrency, async (group) => {
    const limitMs = endsMs - limits.clock.monotonic();
    const collected =
      limitMs <= 0
        ? allUnknown(group, 'it was not asked: the calls before it took too long')
        : await limited({ clock: limits.clock, limitMs, signal }, (both) => ask(group, both)).catch(
            (error: unknown) => {
              signal.throwIfAborted();
              return allUnknown(group, (error as Error).message);
            },
          );
    collected.samples.forEach((sample, key) => samples.set(key, sample));
    for (const failure of collected.failures) failures.add(failure);
  });
  return { samples, failures: [...failures] };
}

/** The whole group is unknown for one reason, for which the source is to blame. */
export function allUnknown(group: readonly Want[], reason: string): Collected {
  return { ...allRefused(group, reason), failures: [reason] };
}

/** The whole group is unknown for one reason, for which its own settings are to blame. */
export function allRefused(group: readonly Want[], reason: string): Collected {
  return { samples: samplesOf(group, () => unknown(reason)), failures: [] };
}
