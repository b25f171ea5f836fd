import type { Phase, Resource } from '@scaler/scaler-types';
import type { SourceReport } from '../collect/collect.ts';
import type { Instant } from './instant.ts';
import {
  isFailure,
  noSourceFailures,
  type SourcesSeen,
  type SourceFailures,
  failuresAfter,
} from './source-failures.ts';
import { type Samples, unusableReason } from '../collect/sample.ts';
import type { Want } from '../collect/want.ts';
import { keyOf } from '../observe/key-of.ts';

/** A value at a tick that no later tick has exceeded. */
export interface Peak {
  value: number;
  /** By the monotonic clock. */
  atMs: number;
}

/** The time for which a want has been known without a gap, up to the last tick. */
export interface KnownSpan {
  since: Instant;
  /** For a momentary want: the values of its window, see {@link withPeak}. */
  peaks: readonly Peak[];
}

/** The state that a tick takes over from the ones before. Immutable: each tick makes a new one. */
export interface Memory {
  /** When the last tick was. */
  at: Instant | undefined;
  /** By {@link Want.key}; absent while unknown. */
  known: ReadonlyMap<string, KnownSpan>;
  /** By resource key: phases as last seen. */
  phases: ReadonlyMap<string, Phase | undefined>;
  /** By resource key: when it was last seen to become awake. */
  wokeAt: ReadonlyMap<string, Instant>;
  /** By resource key: since when it was seen awake without a break. */
  awakeFrom: ReadonlyMap<string, Instant>;
  /** The failures of the sources after the last tick. */
  sourceFailures: SourceFailures;
  /** When a source last began or ceased to fail, or another replica acted, which may have seen one. */
  lastFailure: Instant | undefined;
  /** Whether the mass brake is on. */
  braked: boolean;
}

export const emptyMemory: Memory = {
  at: undefined,
  known: new Map(),
  phases: new Map(),
  wokeAt: new Map(),
  awakeFrom: new Map(),
  sourceFailures: noSourceFailures,
  lastFailure: undefined,
  braked: false,
};

/** The memory of a new Lease holder: what the holder before it saw is as unknown as after a failure. */
export function firstMemory(isSuccessor: boolean, now: Instant): Memory {
  return { ...emptyMemory, lastFailure: isSuccessor ? now : undefined };
}

/** The observations of one tick. */
export interface Observation {
  resources: readonly Resource[];
  wants: readonly Want[];
  samples: Samples;
  reports: readonly SourceReport[];
  now: Instant;
  /** Milliseconds without a tick after which a want counts as having been unknown. */
  longestGapMs: number;
}

/** The memory after a tick. Resources that are gone are forgotten. */
export function remember(memory: Memory, seen: Observation): Memory {
  const known = knownSpans(memory, seen);
  const sources: SourcesSeen = {
    ...seen,
    wasKnown: (key) => memory.known.has(key),
    isKnown: (key) => known.has(key),
  };
  const sourceFailures = failuresAfter(memory.sourceFailures, sources);
  return {
    at: seen.now,
    known,
    phases: phases(seen),
    wokeAt: wakes(memory, seen),
    awakeFrom: awakeFrom(memory, seen),
    sourceFailures,
    lastFailure: isFailure(memory.sourceFailures, sourceFailures, sources) ? seen.now : memory.lastFailure,
    braked: memory.braked,
  };
}

function knownSpans(memory: Memory, { wants, samples, now, longestGapMs }: Observation): Memory['known'] {
  const known = new Map<string, KnownSpan>();
  const gapMs = memory.at === undefined ? Infinity : now.monotonicMs - memory.at.monotonicMs;
  for (const want of wants) {
    const { key, metric } = want;
    const sample = samples.get(key);
    // A value that is stale or no number is a gap, as a missing answer is.
    if (!sample?.known || unusableReason(want, sample) !== undefined) continue;
    const before = gapMs <= Math.max(longestGapMs, metric.windowSize) ? memory.known.get(key) : undefined;
    known.set(key, want.momentary ? withLook(before, sample.value, want, now) : (before ?? { since: now, peaks: [] }));
  }
  return known;
}

function withLook(before: KnownSpan | undefined, value: number, { metric }: Want, now: Instant): KnownSpan {
  const look = { nowMs: now.monotonicMs, windowMs: metric.windowSize };
  return { since: before?.since ?? now, peaks: withPeak(before?.peaks ?? [], value, look) };
}

function phases({ resources }: Observation): Memory['phases'] {
  const all = new Map<string, Phase | undefined>();
  for (const resource of resources) all.set(keyOf(resource), resource.phase);
  return all;
}

function wakes(memory: Memory, { resources, now }: Observation): Memory['wokeAt'] {
  const wokeAt = new Map<string, Instant>();
  for (const resource of resources) {
    const key = keyOf(resource);
    const woke = resource.phase === 'awake' && memory.phases.has(key) && memory.phases.get(key) !== 'awake';
    const at = woke ? now : memory.wokeAt.get(key);
    if (at) wokeAt.set(key, at);
  }
  return wokeAt;
}

function awakeFrom(memory: Memory, { resources, now }: Observation): Memory['awakeFrom'] {
  const from = new Map<string, Instant>();
  for (const resource of resources) {
    const key = keyOf(resource);
    if (resource.phase === 'awake') from.set(key, memory.awakeFrom.get(key) ?? now);
  }
  return from;
}

/** Peaks kept of one want; beyond, the oldest two become one, as high as the one and as late as the other. */
const mostPeaks = 64;

/** The peaks of one window after one more value. Values fall and times rise, so the first is the highest. Pure. */
export function withPeak(
  peaks: readonly Peak[],
  value: number,
  { nowMs, windowMs }: { nowMs: number; windowMs: number },
): readonly Peak[] {
  const within = peaks.filter((peak) => peak.value > value && peak.atMs >= nowMs - windowMs);
  const [first, second, ...others] = [...within, { value, atMs: nowMs }];
  if (first === undefined || second === undefined) return [{ value, atMs: nowMs }];
  if (others.length + 2 <= mostPeaks) return [first, second, ...others];
  return [{ value: first.value, atMs: second.atMs }, ...others];
}

/** The highest peak since a time; undefined: there is none. */
export function highestSince(peaks: readonly Peak[], sinceMs: number): Peak | undefined {
  return peaks.find(({ atMs }) => atMs >= sinceMs);
}
