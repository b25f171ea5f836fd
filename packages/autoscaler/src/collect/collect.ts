import { resourceKey } from '@scaler/scaler-types';
import { type Sample, type Samples, unknown } from './sample.ts';
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

/** The report about one source. */
export interface SourceReport {
  source: string;
  failures: readonly string[];
}

export interface Collection {
  /** A sample for every want. */
  samples: Samples;
  reports: readonly SourceReport[];
}

/**
 * Asks every source at once for its wants. Total: a source that fails, or that answers too little, leaves its wants unknown,
 * with the reason, and does not affect the others.
 *
 * @throws only the signal's reason.
 */
export async function collect(
  sources: readonly Source[],
  wants: readonly Want[],
  options: { signal: AbortSignal },
): Promise<Collection> {
  const samples = new Map<string, Sample>();
  const reports = await Promise.all(
    sources.map(async (source): Promise<SourceReport> => {
      const own = wants.filter((want) => want.source === source.name && !isMisplaced(want));
      try {
        const collected =
          own.length === 0 ? { samples: new Map<string, Sample>(), failures: [] } : await source.collect(own, options);
        collected.samples.forEach((sample, key) => samples.set(key, sample));
        return { source: source.name, failures: [...collected.failures, ...nothingKnown(own, collected)] };
      } catch (error) {
        options.signal.throwIfAborted();
        const reason = `${source.name} failed: ${(error as Error).message}`;
        for (const want of own) samples.set(want.key, unknown(reason));
        return { source: source.name, failures: [reason] };
      }
    }),
  );
  const names = new Set<string | undefined>(sources.map(({ name }) => name));
  for (const want of wants) {
    if (!samples.has(want.key)) samples.set(want.key, unknown(whyMissing(want, names)));
  }
  return { samples, reports };
}

/**
 * An adapter whose own source is gone answers 404, and a Prometheus without its data answers nothing. For one resource that
 * means that its metric is wrong; for all resources it means that the source is.
 */
function nothingKnown(wants: readonly Want[], { samples, failures }: Collected): readonly string[] {
  if (failures.length > 0 || wants.some(({ key }) => samples.get(key)?.known)) return [];
  const resources = new Set(wants.map(({ resource }) => resourceKey(resource))).size;
  if (resources < 2) return [];
  return [`it knows nothing of any of ${resources} resources`];
}

/** Other sources would answer with another object's value under that name. */
function isMisplaced({ source, metric }: Want): boolean {
  return metric.object !== undefined && source !== 'custom-metrics';
}

function whyMissing(want: Want, names: ReadonlySet<string | undefined>): string {
  const { source, label } = want;
  if (source !== undefined && isMisplaced(want)) return `${label} is of an object, of which ${source} knows nothing`;
  if (source === undefined) return 'no source of metrics is set, see --metrics-source';
  return names.has(source) ? `${source} did not answer for ${label}` : `${source} is not among --metrics-source`;
}
