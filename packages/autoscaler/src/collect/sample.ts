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
