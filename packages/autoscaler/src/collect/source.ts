import type { Samples } from './sample.ts';
import type { SourceName, Want } from './want.ts';

/** The result of one collection from one source. */
export interface Collected {
  samples: Samples;
  /** Failures that are not of one resource only: of a call, of a replica. Empty: the source is up. */
  failures: readonly string[];
}

/** A source of samples. */
export interface Source {
  /** The name of the source in wants, logs and metrics. */
  readonly name: SourceName;
  /**
   * A sample for each want. Bounded in time by its own limits; does not throw unless the signal aborts. A want that has
   * no sample in the answer is unknown.
   */
  collect(wants: readonly Want[], options: { signal: AbortSignal }): Promise<Collected>;
  /** Closes kept connections. */
  close?(): void;
}
