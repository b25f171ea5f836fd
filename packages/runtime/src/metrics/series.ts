import { RuntimeError } from '../errors.ts';

/** A value for each label of a metric. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** The series of one metric, each made once. */
export interface SeriesSet<L extends string, S> {
  /** @throws RuntimeError `invalid-metric` when the labels are not exactly those of the metric. */
  get(labels: Labels<L>): S;
  delete(labels: Labels<L>): void;
  all(): Iterable<S>;
}

/** Keeps the series of a metric by the values of its labels. */
export function createSeriesSet<L extends string, S>(
  metric: string,
  names: readonly L[],
  create: (labels: Labels<L>) => S,
): SeriesSet<L, S> {
  const series = new Map<string, S>();
  const keyOf = (labels: Labels<L>): string => names.map((name) => labels[name]).join('\0');
  return {
    get(labels) {
      const key = keyOf(labels);
      const known = series.get(key);
      if (known) return known;
      const given = Object.keys(labels);
      if (given.length !== names.length || names.some((name) => typeof labels[name] !== 'string')) {
        const allowed = names.join(', ') || 'none';
        throw new RuntimeError(
          'invalid-metric',
          `metric ${metric} has the labels ${allowed}, but is given ${given.join(', ') || 'none'}`,
        );
      }
      const made = create({ ...labels });
      series.set(key, made);
      return made;
    },
    delete: (labels) => void series.delete(keyOf(labels)),
    all: () => series.values(),
  };
}
