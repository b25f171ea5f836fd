import { formatMetricWindow } from './units/duration.ts';

/** One scale metric: the resource is idle by it when the value over the window is at or below the threshold. */
export interface ScaleResource {
  metricName: string;
  /** Milliseconds. In JSON and annotations a duration text such as `5m`. */
  windowSize: number;
  /** In the metric's own unit: `0.5` is half a request per second when the metric counts requests per second. */
  threshold: number;
  /** Its source. Default: the first of the autoscaler's `--metrics-source`. */
  source?: MetricSource;
  /** Labels of its series, label → value; for `prometheus`: the parameters of the query template. */
  labels?: Readonly<Record<string, string>>;
  /** The object of the metric, where that is not the resource itself; `custom-metrics` only. */
  object?: MetricObject;
}

/**
 * The sources of scale metrics: the custom metrics API, the external metrics API, or Prometheus by a query template of the
 * admin's, which `metricName` names.
 */
export const metricSources = ['custom-metrics', 'external-metrics', 'prometheus'] as const;
export type MetricSource = (typeof metricSources)[number];

/** The object of a custom metric, in the resource's own namespace: one object, or the sum over all that the selector matches. */
export interface MetricObject {
  /** Plural and group: `services`, `pods`, `ingresses.networking.k8s.io`. */
  resource: string;
  /** Default, without a selector: the resource's own name. */
  name?: string;
  /** A label selector, such as `app=web`. */
  selector?: string;
}

/** The default pattern of a metric's full name, v3io's. */
export const defaultMetricNamePattern = '<name>_per_<window>';

/** The name under which the metrics API serves a scale metric, `requests_per_5m` by default. */
export function metricFullName(metric: ScaleResource, pattern: string = defaultMetricNamePattern): string {
  const window = formatMetricWindow(metric.windowSize);
  return pattern.replaceAll(/<name>|<window>/g, (key) => (key === '<name>' ? metric.metricName : window));
}
