import { type Parser, readSmallFileSync } from '@scaler/runtime';
import { parseQueries, type Queries } from '../collect/prometheus/queries.ts';

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
