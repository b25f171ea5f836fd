/** What a source knows: a value and how old it is, or why it does not know. `reason` is one clause for people. */
export type Sample = { known: true; value: number; ageMs: number } | { known: false; reason: string };

/** Samples by {@link Want.key}. */
export type Samples = ReadonlyMap<string, Sample>;

export function unknown(reason: string): Sample {
  return { known: false, reason };
}
