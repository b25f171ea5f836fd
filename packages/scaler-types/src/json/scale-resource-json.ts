import { formatDuration, parseDuration } from '../units/duration.ts';
import { parseQuantity } from '../units/quantity.ts';
import { type MetricObject, metricSources, type ScaleResource } from '../scale-resource.ts';
import { invalid, object, oneOf, optional, type Read, record, required, text } from './read.ts';

/** A scale metric in JSON: the window is a duration text. */
export type ScaleResourceJson = Omit<ScaleResource, 'windowSize'> & { windowSize: string };

const allowedWindow = 'a duration of whole milliseconds, more than 0, such as 90s or 5m, or its milliseconds';
const allowedThreshold = "a number in the metric's own unit, or a quantity such as 100m";

/** v3io wrote numbers as nanoseconds, so a number under its names would be read a million times too long. */
const windowText: Read<number> = (value, path) => {
  if (typeof value !== 'string') throw invalid(path, value, 'a duration text such as 90s or 5m');
  return windowSize(value, path);
};

const windowSize: Read<number> = (value, path) => {
  const ms = typeof value === 'string' ? durationOrNaN(value) : value;
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms > 0) return ms;
  throw invalid(path, value, allowedWindow);
};

const threshold: Read<number> = (value, path) => {
  const number = typeof value === 'string' ? quantityOrNaN(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw invalid(path, value, allowedThreshold);
};

/** Plural and group. Not `*`, and without `/`, since it becomes a segment of a path. */
export const kubeResource: Read<string> = (value, path) => {
  if (typeof value === 'string' && /^[a-z][-a-z0-9]*(\.[-a-z0-9]+)*$/.test(value)) return value;
  throw invalid(path, value, 'a plural and its group, such as deployments.apps or pods');
};

const objectName: Read<string> = (value, path) => {
  if (typeof value === 'string' && /^[a-z0-9][-.a-z0-9]*$/.test(value)) return value;
  throw invalid(path, value, "an object's name, such as web");
};

const labels: Read<Readonly<Record<string, string>>> = (value, path) => {
  const read = record(text)(value, path);
  const wrong = Object.keys(read).find((name) => !/^[A-Za-z_][\w./-]*$/.test(name));
  if (wrong === undefined) return read;
  throw invalid(path, value, `labels, of which "${wrong}" is none`);
};

const anyObject = object<MetricObject>({
  resource: required(kubeResource),
  name: optional(objectName),
  selector: optional(text),
});

const metricObject: Read<MetricObject> = (value, path) => {
  const read = anyObject(value, path);
  if (read.name === undefined || read.selector === undefined) return read;
  throw invalid(path, value, 'only one of name and selector');
};

/** Fields of the same name in both notations. */
const common = {
  source: optional(oneOf(metricSources)),
  labels: optional(labels),
  object: optional(metricObject),
};

const camelCase = object<ScaleResource>({
  metricName: required(text),
  windowSize: required(windowSize),
  threshold: required(threshold),
  ...common,
});

interface SnakeCase extends Pick<ScaleResource, 'source' | 'labels' | 'object'> {
  metric_name: string;
  window_size: number;
  threshold?: number;
}

/** v3io calls the window `windows_size`, and leaves a threshold of 0 out. */
const snakeCase = object<SnakeCase>({
  metric_name: required(text),
  window_size: required(windowText, 'windows_size'),
  threshold: optional(threshold),
  ...common,
});

export const scaleResource: Read<ScaleResource> = (value, path) => {
  const metric = inEitherNotation(value, path);
  const { object: of, source } = metric;
  if (of === undefined || source === undefined || source === 'custom-metrics') return metric;
  throw invalid(`${path}.object`, of, 'nothing: only metrics of custom-metrics are of an object');
};

function inEitherNotation(value: unknown, path: string): ScaleResource {
  if (typeof value !== 'object' || value === null || !Object.keys(value).some((key) => key.includes('_'))) {
    return camelCase(value, path);
  }
  const { metric_name: metricName, window_size: size, threshold: limit = 0, ...rest } = snakeCase(value, path);
  return { metricName, windowSize: size, threshold: limit, ...rest };
}

/**
 * Reads one scale metric from parsed JSON, in the notations that {@link parseResource} reads.
 *
 * @throws ScalerError `invalid-resource` that names the path, the value and what is allowed.
 */
export function parseScaleResource(json: unknown, path = 'scale metric'): ScaleResource {
  return scaleResource(json, path);
}

export function formatScaleResource({ windowSize: ms, ...rest }: ScaleResource): ScaleResourceJson {
  return { ...rest, windowSize: formatDuration(ms) };
}

function durationOrNaN(value: string): number {
  try {
    return parseDuration(value);
  } catch {
    return NaN;
  }
}

function quantityOrNaN(value: string): number {
  try {
    return parseQuantity(value);
  } catch {
    return NaN;
  }
}
