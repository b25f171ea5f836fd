import { parseQuantity } from '@scaler/scaler-types';

/** The reason why a value is unknown, which never counts as zero. */
export interface UnknownMetric {
  readonly unknown: UnknownMetricCode;
  /** One sentence with the names and the value that was found. */
  readonly reason: string;
}

/** Every reason of an {@link UnknownMetric}. README has the same table. */
export const unknownMetricCodes = {
  'no-api': 'The cluster has no such metrics API.',
  'bad-name': 'A name that cannot be a part of the path: it is not asked for.',
  refused: 'The API refuses the question (400): a label selector that is none, for instance.',
  'no-metric': 'The API does not know the metric (404), or none of the objects has it.',
  'no-sample': 'The answer has no value for this object.',
  'api-error': 'The API could not answer: its error follows.',
  'bad-answer': 'The answer is not a list of metric values.',
  'bad-value': 'The value is not a quantity; NaN for instance.',
  'bad-timestamp': 'The value has no timestamp, or one that cannot be read: its age is not known.',
  'several-values': 'The answer has more than one value for this object.',
} as const;

export type UnknownMetricCode = keyof typeof unknownMetricCodes;

/** One value of one metric. */
export interface MetricSample {
  /** The nearest number, in the metric's own unit: `100m` is 0.1. */
  readonly value: number;
  /** When the value was measured, by the cluster's clock. */
  readonly timestampMs: number;
}

export type Metric = MetricSample | UnknownMetric;

export function isUnknown<T extends object>(value: T | UnknownMetric): value is UnknownMetric {
  return 'unknown' in value;
}

/** A value as the metrics APIs send it; every field may be missing or wrong. */
export interface RawMetricValue {
  readonly describedObject?:
    { readonly kind?: unknown; readonly namespace?: unknown; readonly name?: unknown } | undefined;
  readonly timestamp?: unknown;
  readonly value?: unknown;
}

/** Reads one value; `whose` names it in the sentence. */
export function readMetricValue(raw: RawMetricValue, whose: string): Metric {
  const { value, timestamp } = raw;
  const number = readQuantity(value);
  if (number === undefined)
    return { unknown: 'bad-value', reason: `${whose} is ${shown(value)}, which is not a quantity` };
  const timestampMs = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  // Go writes a time that was never set as the year 1.
  if (!(timestampMs > 0)) return { unknown: 'bad-timestamp', reason: `${whose} has the timestamp ${shown(timestamp)}` };
  return { value: number, timestampMs };
}

function readQuantity(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  try {
    return parseQuantity(String(value));
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 80);
}
