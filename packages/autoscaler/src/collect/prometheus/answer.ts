import { cut, quoted } from '@scaler/scaler-types';

/** One value of an answer. */
export interface Series {
  /** The labels of the series; none for a scalar. */
  labels: Readonly<Record<string, unknown>>;
  value: number;
  /** When it was evaluated, by Prometheus's clock. */
  timestampMs: number;
}

/** A series, or the reason why its value is none. */
export type ReadSeries = Series | { labels: Series['labels']; problem: string };

/**
 * The series of an instant query's answer.
 *
 * @throws Error when it is no whole answer: an error, a warning (part of the data is missing), another type of result.
 */
export function readAnswer(json: unknown): readonly ReadSeries[] {
  const answer = fieldsOf(json);
  if (answer['status'] === 'error')
    throw new Error(`it answered ${textOf(answer['errorType'])}: ${textOf(answer['error'])}`);
  const { resultType, result } = fieldsOf(answer['data']);
  if (answer['status'] !== 'success') throw new Error('it answered something that is no answer to a query');
  const warnings = answer['warnings'] ?? [];
  if (!Array.isArray(warnings) || warnings.length > 0) {
    throw new Error(
      `its answer has warnings, so it may be a part: ${Array.isArray(warnings) ? textOf(warnings[0]) : quoted(warnings)}`,
    );
  }
  if (resultType === 'scalar') return [readSeries({}, result)];
  if (resultType !== 'vector' || !Array.isArray(result))
    throw new Error(`it answered a ${textOf(resultType)}, not a vector`);
  return result.map((one: unknown) => {
    const { metric, value } = fieldsOf(one);
    return readSeries(fieldsOf(metric), value);
  });
}

function readSeries(labels: Series['labels'], value: unknown): ReadSeries {
  if (value === undefined) return { labels, problem: 'its value is a histogram, not a number' };
  const [seconds, text] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof seconds !== 'number' || typeof text !== 'string')
    return { labels, problem: 'its value is no pair of time and text' };
  const number = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(number)) return { labels, problem: `its value is ${cut(text)}, which is no finite number` };
  return { labels, value: number, timestampMs: seconds * 1_000 };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A text of Prometheus, quoted as it came. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? cut(value, 200) : quoted(value);
}
