import type { Want } from './want.ts';

/** What a source knows: a value and how old it is, or why it does not know. `reason` is one clause for people. */
export type Sample =
  | {
      known: true;
      value: number;
      ageMs: number;
      /** How far back the source has counted without a gap; undefined: it cannot say. */
      covered?: Covered | undefined;
    }
  | { known: false; reason: string };

/** Since when a source has counted all there was. */
export interface Covered {
  ms: number;
  /** What happened then: `Prometheus started`; completed by "less than 5m ago". */
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
