import { formatDuration } from '@scaler/scaler-types';
import { type Instant, wallText } from './instant.ts';
import { highestSince, type KnownSpan } from './memory.ts';
import { type Samples, unusableReason } from '../collect/sample.ts';
import type { Want } from '../collect/want.ts';

/** The judgement of one resource by its samples. `reasons` are clauses for people, at least one. */
export interface Verdict {
  verdict: 'idle' | 'busy' | 'unknown';
  reasons: readonly string[];
}

export interface JudgeFacts {
  samples: Samples;
  known: ReadonlyMap<string, KnownSpan>;
  now: Instant;
}

/**
 * Whether a resource is idle: every want is known, at or below its threshold, and at least one of them proves idleness.
 * A momentary value has to be idle at every tick of a whole window.
 * Pure and total. Known use outweighs an unknown sample in the verdict; neither is idle.
 * See docs/decisions/unknown-is-awake.md.
 */
export function judge(wants: readonly Want[], facts: JudgeFacts): Verdict {
  const notIdle = wants.flatMap((want) => whyNotIdle(want, facts) ?? []);
  if (notIdle.length > 0) {
    const verdict = notIdle.some((one) => one.verdict === 'busy') ? 'busy' : 'unknown';
    return { verdict, reasons: notIdle.map((one) => one.reason) };
  }
  if (!wants.some((want) => want.proves === 'idleness')) {
    return { verdict: 'unknown', reasons: ['unknown: it has no scale metric, and its connections may bypass the DLX'] };
  }
  return { verdict: 'idle', reasons: wants.map((want) => idleText(want, facts)) };
}

interface NotIdle {
  verdict: 'busy' | 'unknown';
  reason: string;
}

function whyNotIdle(want: Want, { samples, known, now }: JudgeFacts): NotIdle | undefined {
  const { label, metric, proves } = want;
  const sample = samples.get(want.key);
  const unusable = unusableReason(want, sample);
  if (unusable !== undefined || !sample?.known) return { verdict: 'unknown', reason: `unknown: ${label}: ${unusable}` };
  if (!(sample.value <= metric.threshold)) {
    return { verdict: 'busy', reason: `${label} is ${sample.value}, above ${metric.threshold}` };
  }
  const span = known.get(want.key);
  const peak = want.momentary && span && highestSince(span.peaks, now.monotonicMs - metric.windowSize);
  if (peak && !(peak.value <= metric.threshold)) {
    const at = wallText(now.wallMs - (now.monotonicMs - peak.atMs));
    const ago = `less than ${formatDuration(metric.windowSize)} ago`;
    return { verdict: 'busy', reason: `${label} was ${peak.value} at ${at}, above ${metric.threshold}, ${ago}` };
  }
  if (proves === 'idleness' && sample.covered && !(sample.covered.ms >= metric.windowSize)) {
    const reason = `unknown: ${label}: ${sample.covered.since} less than ${formatDuration(metric.windowSize)} ago`;
    return { verdict: 'unknown', reason };
  }
  const since = span?.since;
  if (proves === 'idleness' && !(since && now.monotonicMs - since.monotonicMs >= metric.windowSize)) {
    const from = since ? `known only since ${wallText(since.wallMs)}` : 'known only from now on';
    return { verdict: 'unknown', reason: `unknown: ${label}: ${from}, less than its window` };
  }
  return undefined;
}

function idleText({ key, label, metric }: Want, { samples }: JudgeFacts): string {
  const sample = samples.get(key);
  const value = sample?.known ? sample.value : undefined;
  return `${label} is ${value}, not above ${metric.threshold}, for ${formatDuration(metric.windowSize)}`;
}
