import { type Parser, parsers, readSmallFileSync } from '@scaler/runtime';
import { type MetricSource, metricSources } from '@scaler/scaler-types';
import { parseQueries, type Queries } from '../collect/prometheus/queries.ts';

const words = parsers.list(parsers.oneOf('none', ...metricSources));

/** The sources that are asked, in order; `none` alone for no source. */
export const metricsSourceParser: Parser<readonly MetricSource[]> = {
  kind: 'source,…',
  allowed: `none, or a list, separated by commas, of: ${metricSources.join(', ')}`,
  schema: words.schema,
  parse: (text) => {
    const result = words.parse(text);
    if (!result.ok) return result;
    const sources = [...new Set(result.value)].filter((word) => word !== 'none');
    if (result.value.length === 0 || (result.value.includes('none') && sources.length > 0)) return { ok: false };
    return { ok: true, value: sources };
  },
  format: (sources) => (sources.length === 0 ? 'none' : sources.join(',')),
  merge: (values) => [...new Set(values.flat())],
};

/** A file of queries, read when the program starts. */
export interface QueriesFile {
  path: string;
  queries: Queries;
}

/** The path of a file that {@link parseQueries} can read. */
export const queriesFileParser: Parser<QueriesFile> = {
  kind: 'file',
  allowed: 'the path of a JSON file of queries',
  schema: { type: 'string' },
  parse: (path) => {
    try {
      return { ok: true, value: { path, queries: parseQueries(readSmallFileSync(path)) } };
    } catch (error) {
      return { ok: false, reason: (error as Error).message };
    }
  },
  format: ({ path }) => path,
};
