import { formatDuration, parseDuration } from '../duration.ts';
import { parseQuantity, quantityToNumber } from '../quantity.ts';
import type { ScaleResource } from '../scale-resource.ts';
import { invalid, object, type Read, text } from './read.ts';

/** A scale metric as it is written: the window as a duration text. */
export interface ScaleResourceJson {
  metricName: string;
  windowSize: string;
  threshold: number;
}

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

const camelCase = object<ScaleResource>({
  metricName: { read: text, required: true },
  windowSize: { read: windowSize, required: true },
  threshold: { read: threshold, required: true },
});

interface SnakeCase {
  metric_name: string;
  window_size: number;
  threshold?: number;
}

/** v3io calls the window `windows_size`, and leaves a threshold of 0 out. */
const snakeCase = object<SnakeCase>({
  metric_name: { read: text, required: true },
  window_size: { read: windowText, required: true, aliases: ['windows_size'] },
  threshold: { read: threshold, required: false },
});

export const scaleResource: Read<ScaleResource> = (value, path) => {
  if (typeof value !== 'object' || value === null || !Object.keys(value).some((key) => key.includes('_'))) {
    return camelCase(value, path);
  }
  const { metric_name: metricName, window_size: size, threshold: limit = 0 } = snakeCase(value, path);
  return { metricName, windowSize: size, threshold: limit };
};

export function formatScaleResource({
  metricName,
  windowSize: ms,
  threshold: limit,
}: ScaleResource): ScaleResourceJson {
  return { metricName, windowSize: formatDuration(ms), threshold: limit };
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
    return quantityToNumber(parseQuantity(value));
  } catch {
    return NaN;
  }
}
