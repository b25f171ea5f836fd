import type { Samples } from './sample.ts';
import type { SourceName, Want } from './want.ts';

/** What one collection got from one source. */
export interface Collected {
  samples: Samples;
  /** What failed as a whole, not for one resource only: a call, a replica. Empty: the source is up. */
  failures: readonly string[];
}

/** Where samples come from. */
export interface Source {
  /** Which wants it answers; also for logs and metrics. */
  readonly name: SourceName;
  /**
   * A sample for each want. Bounded in time by its own limits; does not throw unless the signal aborts. A want that has
   * no sample in the answer is unknown.
   */
  collect(wants: readonly Want[], options: { signal: AbortSignal }): Promise<Collected>;
  /** Closes kept connections. */
  close?(): void;
}
