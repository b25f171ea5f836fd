import { formatDuration } from '@scaler/scaler-types';
import { type Instant, wallText } from './instant.ts';
import type { KnownSpan } from './memory.ts';
import type { Sample, Samples } from '../sources/sample.ts';
import type { Want } from '../sources/want.ts';

/** What the samples say about one resource. `reasons` are clauses for people, at least one. */
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
 * Pure and total. Use that is known outweighs what is unknown only in the words; neither is idle.
 */
export function judge(wants: readonly Want[], facts: JudgeFacts): Verdict {
  const judged = wants.map((want) => judgeOne(want, facts));
  for (const verdict of ['busy', 'unknown'] as const) {
    if (judged.some((one) => one.verdict === verdict)) {
      return { verdict, reasons: judged.filter((one) => one.verdict !== 'idle').map((one) => one.reason) };
    }
  }
  if (!wants.some((want) => want.proves === 'idleness')) {
    return { verdict: 'unknown', reasons: ['unknown: it has no scale metric, and its connections may bypass the DLX'] };
  }
  return { verdict: 'idle', reasons: judged.map((one) => one.reason) };
}

interface Judged {
  verdict: Verdict['verdict'];
  reason: string;
}

function judgeOne(want: Want, { samples, known, now }: JudgeFacts): Judged {
  const { label, metric, proves } = want;
  const sample = samples.get(want.key);
  const doubt = doubtOf(want, sample);
  if (doubt !== undefined || !sample?.known) return { verdict: 'unknown', reason: `unknown: ${label}: ${doubt}` };
  if (!(sample.value <= metric.threshold)) {
    return { verdict: 'busy', reason: `${label} is ${sample.value}, above ${metric.threshold}` };
  }
  const text = `${label} is ${sample.value}, not above ${metric.threshold}, for ${formatDuration(metric.windowSize)}`;
  if (proves === 'idleness' && sample.covered && !(sample.covered.ms >= metric.windowSize)) {
    const reason = `unknown: ${label}: ${sample.covered.since} less than ${formatDuration(metric.windowSize)} ago`;
    return { verdict: 'unknown', reason };
  }
  const since = known.get(want.key)?.since;
  if (proves === 'idleness' && !(since && now.monotonicMs - since.monotonicMs >= metric.windowSize)) {
    const from = since ? `known only since ${wallText(since.wallMs)}` : 'known only from now on';
    return { verdict: 'unknown', reason: `unknown: ${label}: ${from}, less than its window` };
  }
  return { verdict: 'idle', reason: text };
}

/** Why a sample cannot be used. Stale is what is older than its window, give or take the second in which times are written. */
function doubtOf({ metric }: Want, sample: Sample | undefined): string | undefined {
  if (!sample) return 'no sample';
  if (!sample.known) return sample.reason;
  if (!(metric.windowSize > 0)) return `its window of ${metric.windowSize} ms is not one`;
  if (!Number.isFinite(metric.threshold)) return `its threshold ${metric.threshold} is not a number`;
  if (!Number.isFinite(sample.value)) return `its value ${sample.value} is not a number`;
  if (!(Math.abs(sample.ageMs) <= metric.windowSize + 1_000)) return staleText(sample.ageMs, metric.windowSize);
  return undefined;
}

function staleText(ageMs: number, windowMs: number): string {
  if (Number.isNaN(ageMs)) return 'its age is not known';
  const where = ageMs > 0 ? 'stale, from' : 'from a clock that is ahead by';
  return `${where} ${formatDuration(Math.abs(ageMs))}${ageMs > 0 ? ' ago' : ''}, more than its window of ${formatDuration(windowMs)}`;
}
