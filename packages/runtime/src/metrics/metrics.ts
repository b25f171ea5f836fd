import type { ScalerMetric } from '@scaler/scaler-types';
import * as prom from 'prom-client';
import { scalerMetricsText } from './scaler-metrics.ts';
import { createSeriesSet, type Labels } from './series.ts';

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

/** One series of a counter; `inc` is an addition and nothing else, for hot paths. */
export interface BoundCounter {
  inc(by?: number): void;
  /** Drops the series: what it counted is gone for good. */
  remove(): void;
}

export interface BoundGauge {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
  remove(): void;
}

export interface BoundHistogram {
  observe(value: number): void;
  remove(): void;
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
  /** The prefix of each name. Default: `scaler_`. */
  prefix?: string;
  /** Memory, CPU, event loop lag and so on, under their usual names. Default: false. */
  processMetrics?: boolean;
}

/** Makes an empty registry. A name can be used once. */
export function createMetrics({ prefix = 'scaler_', processMetrics = false }: CreateMetricsOptions = {}): Metrics {
  const registry = new prom.Registry();
  // Its own 10 ms wake an idle process a hundred times a second; a tenth of a millisecond's work each time.
  if (processMetrics) prom.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 250 });
  let included = (): Promise<string> => Promise.resolve('');
  return {
    counter: (options) => counter(registry, prefix, options),
    gauge: (options) => gauge(registry, prefix, options),
    histogram: (options) => histogram(registry, prefix, options),
    include(read, onProblem) {
      const isTaken = (name: string): boolean => registry.getSingleMetric(name) !== undefined;
      const once = reportOnce(onProblem);
      included = () => scalerMetricsText(tryRead(read, once), { prefix, isTaken, onProblem: once });
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

function common<L extends string>(
  registry: prom.Registry,
  prefix: string,
  { name, help, labels = [] }: MetricOptions<L>,
) {
  return { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
}

/** Counts stay with their series until the next scrape: prom-client sorts and hashes the labels at each `inc`. */
function counter<L extends string>(registry: prom.Registry, prefix: string, options: MetricOptions<L>): Counter<L> {
  const settings = common(registry, prefix, options);
  const collect = (): void => {
    for (const { flush } of series.all()) flush();
  };
  const metric = new prom.Counter({ ...settings, collect });
  const series = createSeriesSet(settings.name, settings.labelNames, (labels) => {
    let pending = 0;
    return {
      inc(by = 1) {
        pending += by;
      },
      remove() {
        series.delete(labels);
        metric.remove(labels);
      },
      flush() {
        metric.inc(labels, pending);
        pending = 0;
      },
    };
  });
  return { bind: series.get };
}

function gauge<L extends string>(registry: prom.Registry, prefix: string, options: GaugeOptions<L>): Gauge<L> {
  const settings = common(registry, prefix, options);
  const collect = (): void => {
    if (options.collect) metric.reset();
    options.collect?.((labels, value) => metric.set(labels, value));
    for (const { flush } of series.all()) flush();
  };
  const metric = new prom.Gauge({ ...settings, collect });
  const series = createSeriesSet(settings.name, settings.labelNames, (labels) => {
    let current = 0;
    return {
      set(value: number) {
        current = value;
      },
      inc(by = 1) {
        current += by;
      },
      dec(by = 1) {
        current -= by;
      },
      remove() {
        series.delete(labels);
        metric.remove(labels);
      },
      flush: () => metric.set(labels, current),
    };
  });
  return { bind: series.get };
}

function histogram<L extends string>(
  registry: prom.Registry,
  prefix: string,
  options: HistogramOptions<L>,
): Histogram<L> {
  const settings = common(registry, prefix, options);
  const metric = new prom.Histogram({ ...settings, buckets: [...options.buckets] });
  const series = createSeriesSet(settings.name, settings.labelNames, (labels) => {
    metric.zero(labels);
    return {
      observe: (value: number) => metric.observe(labels, value),
      remove() {
        series.delete(labels);
        metric.remove(labels);
      },
    };
  });
  return { bind: series.get };
}
