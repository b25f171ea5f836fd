import type { Samples } from './sample.ts';
import type { Want } from './want.ts';

/** What one collection got from one source. */
export interface Collected {
  samples: Samples;
  /** What failed as a whole, not for one resource only: a call, a replica. Empty: the source is up. */
  failures: readonly string[];
}

/** Where samples come from. */
export interface Source {
  /** For logs and metrics: `custom-metrics`, `dlx-activity`. */
  readonly name: string;
  /** Which wants it answers. */
  readonly kind: Want['kind'];
  /**
   * A sample for each want. Bounded in time by its own limits; does not throw unless the signal aborts. A want that has
   * no sample in the answer is unknown.
   */
  collect(wants: readonly Want[], options: { signal: AbortSignal }): Promise<Collected>;
}
