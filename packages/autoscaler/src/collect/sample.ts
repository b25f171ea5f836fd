import { formatDuration } from '@scaler/scaler-types';
import type { Want } from './want.ts';

/** A value of a source with its age, or the reason why it is unknown, one clause for people. */
export type Sample =
  | {
      known: true;
      value: number;
      ageMs: number;
      /** How far back the source has counted without a gap; undefined: it cannot say. */
      covered?: Covered | undefined;
    }
  | { known: false; reason: string };

/** The time for which a source has counted everything. */
export interface Covered {
  ms: number;
  /** The event at its begin: `Prometheus started`; a message appends "less than 5m ago". */
  since: string;
}

/** Samples by {@link Want.key}. */
export type Samples = ReadonlyMap<string, Sample>;

export function samplesOf(wants: readonly Want[], sampleOf: (want: Want) => Sample): Samples {
  const samples = new Map<string, Sample>();
  for (const want of wants) samples.set(want.key, sampleOf(want));
  return samples;
}

export function unknown(reason: string): Sample {
  return { known: false, reason };
}

/**
 * The reason why a sample cannot be used, as a clause; undefined: it can. A sample is stale when it is older than its window,
 * give or take the second in which times are written.
 */
export function unusableReason({ metric }: Want, sample: Sample | undefined): string | undefined {
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
