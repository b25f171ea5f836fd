import { formatMetricWindow } from './duration.ts';

/** One scale metric: the resource is idle by it when the value over the window is at or below the threshold. */
export interface ScaleResource {
  metricName: string;
  /** Milliseconds. In JSON and annotations a duration text such as `5m`. */
  windowSize: number;
  /** In the metric's own unit: `0.5` is half a request per second when the metric counts requests per second. */
  threshold: number;
}

/** The default pattern of a metric's full name, v3io's. */
export const defaultMetricNamePattern = '<name>_per_<window>';

/** The name under which the metrics API serves a scale metric, `requests_per_5m` by default. */
export function metricFullName(metric: ScaleResource, pattern: string = defaultMetricNamePattern): string {
  const window = formatMetricWindow(metric.windowSize);
  return pattern.replaceAll(/<name>|<window>/g, (key) => (key === '<name>' ? metric.metricName : window));
}
