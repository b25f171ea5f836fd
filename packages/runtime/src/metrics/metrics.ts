import type { ScalerMetric } from '@scaler/scaler-types';
import * as prom from 'prom-client';
import { RuntimeError } from '../errors.ts';
import { metricPrefix, scalerMetricsText } from './scaler-metrics.ts';

/** The description of a metric. */
export interface MetricOptions<L extends string> {
  /** Without the prefix. */
  name: string;
  help: string;
  /** All label names. Default: none. */
  labels?: readonly L[];
}

export interface GaugeOptions<L extends string> extends MetricOptions<L> {
  /** Called at each scrape, after all series were dropped: sets those that exist now. For gauges that no code keeps up to date. */
  collect?: (set: (labels: Labels<L>, value: number) => void) => void;
}

export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Upper bounds, ascending, in the metric's unit. */
  buckets: readonly number[];
}

/** A value for each label of a metric. */
type Labels<L extends string> = Readonly<Record<L, string>>;

/** One series of a counter; `inc` is an addition and nothing else, for hot paths. */
export interface BoundCounter {
  inc(by?: number): void;
}

export interface BoundGauge {
  set(value: number): void;
  remove(): void;
}

export interface BoundHistogram {
  observe(value: number): void;
}

/** A metric whose series are asked for by labels. `bind` returns the same object for the same labels. @throws RuntimeError `invalid-metric`. */
interface Metric<L extends string, S> {
  bind(labels: Labels<L>): S;
}

export type Counter<L extends string> = Metric<L, BoundCounter>;
export type Gauge<L extends string> = Metric<L, BoundGauge>;
export type Histogram<L extends string> = Metric<L, BoundHistogram>;

/** A process's metrics, in a registry of their own. */
export interface Metrics {
  counter<const L extends string = never>(options: MetricOptions<L>): Counter<L>;
  gauge<const L extends string = never>(options: GaugeOptions<L>): Gauge<L>;
  histogram<const L extends string = never>(options: HistogramOptions<L>): Histogram<L>;
  /**
   * Adds a scaler's own metrics, which `read` returns at each scrape. A metric that is malformed, or whose name is taken, is
   * left out and reported to `onProblem` once, in a sentence that names it; it never fails the scrape. To be called once.
   */
  include(read: () => readonly ScalerMetric[], onProblem: (problem: string) => void): void;
  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface CreateMetricsOptions {
  /** Memory, CPU, event loop lag and so on, under their usual names. Default: false. */
  processMetrics?: boolean;
}

/** Makes an empty registry. A name can be used once. */
export function createMetrics({ processMetrics = false }: CreateMetricsOptions = {}): Metrics {
  const registry = new prom.Registry();
  // Its own 10 ms wake an idle process a hundred times a second; a tenth of a millisecond's work each time.
  if (processMetrics) prom.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 250 });
  let included = (): Promise<string> => Promise.resolve('');
  return {
    counter: (options) => counter(registry, options),
    gauge: (options) => gauge(registry, options),
    histogram: (options) => histogram(registry, options),
    include(read, onProblem) {
      const isTaken = (name: string): boolean => registry.getSingleMetric(name) !== undefined;
      const once = reportOnce(onProblem);
      included = () => scalerMetricsText(tryRead(read, once), { isTaken, onProblem: once });
    },
    text: async () => (await registry.metrics()) + (await included()),
    contentType: registry.contentType,
  };
}

function tryRead(read: () => readonly ScalerMetric[], onProblem: (problem: string) => void): readonly ScalerMetric[] {
  try {
    const list: unknown = read();
    if (Array.isArray(list)) return list as readonly ScalerMetric[];
    onProblem('they must be a list');
  } catch (error) {
    onProblem(`they cannot be read: ${(error as Error).message}`);
  }
  return [];
}

/** Reports each problem once. A problem that is worded anew at each scrape is not remembered for ever. */
function reportOnce(report: (problem: string) => void): (problem: string) => void {
  const known = new Set<string>();
  return (problem) => {
    if (known.has(problem)) return;
    if (known.size >= 100) known.clear();
    known.add(problem);
    report(problem);
  };
}

function common<L extends string>(registry: prom.Registry, { name, help, labels = [] }: MetricOptions<L>) {
  return { name: metricPrefix + name, help, labelNames: [...labels], registers: [registry] };
}

/** Counts stay with their series until the next scrape: prom-client sorts and hashes the labels at each `inc`. */
function counter<L extends string>(registry: prom.Registry, options: MetricOptions<L>): Counter<L> {
  const settings = common(registry, options);
  const flushes: (() => void)[] = [];
  const metric = new prom.Counter({ ...settings, collect: () => flushes.forEach((flush) => flush()) });
  return eachOnce(settings, (labels) => {
    let pending = 0;
    flushes.push(() => {
      metric.inc(labels, pending);
      pending = 0;
    });
    return {
      inc(by = 1) {
        pending += by;
      },
    };
  });
}

function gauge<L extends string>(registry: prom.Registry, { collect, ...options }: GaugeOptions<L>): Gauge<L> {
  const settings = common(registry, options);
  const collectAnew = (): void => {
    metric.reset();
    collect?.((labels, value) => metric.set(labels, value));
  };
  const metric = new prom.Gauge({ ...settings, ...(collect && { collect: collectAnew }) });
  return eachOnce(settings, (labels) => ({
    set: (value) => metric.set(labels, value),
    remove: () => metric.remove(labels),
  }));
}

function histogram<L extends string>(registry: prom.Registry, options: HistogramOptions<L>): Histogram<L> {
  const settings = common(registry, options);
  const metric = new prom.Histogram({ ...settings, buckets: [...options.buckets] });
  return eachOnce(settings, (labels) => {
    metric.zero(labels);
    return { observe: (value) => metric.observe(labels, value) };
  });
}

/** Makes each series of a metric once, by the values of its labels. */
function eachOnce<L extends string, S>(
  { name, labelNames }: { name: string; labelNames: readonly L[] },
  create: (labels: Labels<L>) => S,
): Metric<L, S> {
  const series = new Map<string, S>();
  return {
    bind(labels) {
      const key = labelNames.map((label) => labels[label]).join('\0');
      const known = series.get(key);
      if (known) return known;
      const given = Object.keys(labels);
      if (given.length !== labelNames.length || labelNames.some((label) => typeof labels[label] !== 'string')) {
        const allowed = labelNames.join(', ') || 'none';
        throw new RuntimeError(
          'invalid-metric',
          `metric ${name} has the labels ${allowed}, but is given ${given.join(', ') || 'none'}`,
        );
      }
      const made = create({ ...labels });
      series.set(key, made);
      return made;
    },
  };
}
