import type { MetricSample, ScalerMetric } from '@scaler/scaler-types';
import * as prom from 'prom-client';

/** The prefix of each metric's name. */
export const metricPrefix = 'scaler_';

/** Bounds of a scaler's metrics; more are labels that grow with the resources, or a mistake. */
const most = { metrics: 100, samples: 100, labels: 8, valueLength: 200 };

export interface ScalerMetricsOptions {
  /** Whether a full name is used by the app. */
  isTaken: (name: string) => boolean;
  /** Called with one sentence that names the metric, for each that is left out. */
  onProblem: (problem: string) => void;
}

/** The metrics of a scaler in the text format of Prometheus. Malformed ones are left out and reported. */
export async function scalerMetricsText(
  metrics: readonly ScalerMetric[],
  { isTaken, onProblem }: ScalerMetricsOptions,
): Promise<string> {
  const registry = new prom.Registry();
  if (metrics.length > most.metrics) onProblem(`there are ${metrics.length} metrics, allowed are ${most.metrics}`);
  for (const metric of metrics.slice(0, most.metrics)) {
    try {
      const problem = problemOf(
        metric,
        (name) => isTaken(metricPrefix + name) || registry.getSingleMetric(metricPrefix + name),
      );
      if (problem === undefined) add(registry, metric);
      else onProblem(problem);
    } catch {
      onProblem('a metric cannot be read');
    }
  }
  return registry.getMetricsAsArray().length === 0 ? '' : registry.metrics();
}

function add(registry: prom.Registry, { name, help, kind, samples }: ScalerMetric): void {
  const labelNames = Object.keys(samples[0]?.labels ?? {});
  const options = { name: metricPrefix + name, help, labelNames, registers: [registry] };
  const metric = kind === 'counter' ? new prom.Counter(options) : new prom.Gauge(options);
  for (const { labels = {}, value } of samples) metric.inc(labels, value);
}

function problemOf(metric: ScalerMetric, isTaken: (name: string) => unknown): string | undefined {
  if (typeof metric !== 'object' || metric === null) return `${String(metric)} is no metric`;
  const { name, help, kind, samples } = metric;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,99}$/.test(name)) {
    return `the name ${JSON.stringify(name)} is not allowed: lower-case letters, digits and _, at most 100`;
  }
  const problem =
    kind !== 'gauge' && kind !== 'counter'
      ? `kind is ${JSON.stringify(kind)}, allowed are gauge and counter`
      : (kind === 'counter') !== name.endsWith('_total')
        ? 'the name of a counter, and of nothing else, ends in _total'
        : typeof help !== 'string' || help === ''
          ? 'help must be a text'
          : samplesProblem(samples, kind);
  if (problem !== undefined) return `${name}: ${problem}`;
  return isTaken(name) ? `${name}: there is a metric of that name already` : undefined;
}

function samplesProblem(samples: readonly MetricSample[], kind: ScalerMetric['kind']): string | undefined {
  if (!Array.isArray(samples)) return 'samples must be a list';
  if (samples.length > most.samples) return `it has ${samples.length} samples, allowed are ${most.samples}`;
  const problem = samples.map((sample) => sampleProblem(sample as MetricSample | undefined, kind)).find(Boolean);
  if (problem !== undefined) return problem;
  const given = (samples as readonly MetricSample[]).map(({ labels = {} }) => Object.entries(labels).sort());
  const names = new Set(given.map((labels) => labels.map(([name]) => name).join(', ')));
  if (names.size > 1) return `its samples have different labels: ${[...names].map((one) => one || 'none').join('; ')}`;
  if (new Set(given.map((labels) => JSON.stringify(labels))).size < given.length)
    return 'two samples have equal labels';
  return undefined;
}

function sampleProblem(sample: MetricSample | undefined, kind: ScalerMetric['kind']): string | undefined {
  const { labels = {}, value } = sample ?? {};
  if (typeof value !== 'number' || !Number.isFinite(value)) return `the value ${String(value)} is not a number`;
  if (kind === 'counter' && value < 0) return `the value ${value} of a counter is less than 0`;
  const entries = Object.entries(labels);
  if (entries.length > most.labels) return `it has ${entries.length} labels, allowed are ${most.labels}`;
  const wrong = entries.find(([name]) => !/^[a-z][a-z0-9_]*$/.test(name));
  if (wrong) return `the label ${JSON.stringify(wrong[0])} is not allowed: lower-case letters, digits and _`;
  const long = entries.find(([, text]) => typeof text !== 'string' || text.length > most.valueLength);
  if (long) return `the label ${long[0]} must be a text of at most ${most.valueLength} characters`;
  return undefined;
}
