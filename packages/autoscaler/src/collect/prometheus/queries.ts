import { parseTemplate, type Template } from './template.ts';

/** One query of the admin's, that scale metrics name. */
export interface Query {
  query: Template;
  /** For a query of many resources at once: the label whose value is the resource's name. */
  label: string | undefined;
  /** A second query: any result other than 0 makes the value unknown. A gap, a counter reset, a restart. */
  doubt: Template | undefined;
}

export type Queries = ReadonlyMap<string, Query>;

/**
 * Reads `{"NAME": {"query": …, "label": …, "doubt": …}}`.
 *
 * @throws Error that names the query and what is wrong with it.
 */
export function parseQueries(text: string): Queries {
  const entries = Object.entries(record(JSON.parse(text), 'it'));
  if (entries.length === 0) throw new Error('it has no query');
  return new Map(
    entries.map(([name, value]) => {
      try {
        return [name, readQuery(record(value, 'it'))];
      } catch (error) {
        throw new Error(`query ${name}: ${(error as Error).message}`, { cause: error });
      }
    }),
  );
}

function readQuery(fields: Record<string, unknown>): Query {
  const { query: text, label, doubt: doubtText, ...others } = fields;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Error(`there is no field ${other}; there are query, label and doubt`);
  if (typeof text !== 'string') throw new Error('query must be a text');
  if (label !== undefined && (typeof label !== 'string' || label === ''))
    throw new Error('label must be the name of a label');
  if (doubtText !== undefined && typeof doubtText !== 'string') throw new Error('doubt must be a text');
  const query = parseTemplate(text);
  const doubt = doubtText === undefined ? undefined : parseTemplate(doubtText);
  const problem = [query, ...(doubt ? [doubt] : [])].map((one) => problemOf(one, label !== undefined)).find(Boolean);
  if (problem !== undefined) throw new Error(problem);
  if (label !== undefined && !query.placeholders.has('names')) throw new Error('with a label it must use ${names}');
  return { query, label, doubt };
}

function problemOf({ placeholders }: Template, many: boolean): string | undefined {
  if (many && placeholders.has('name'))
    return '${name} is one name, and with a label it is asked for many: use ${names}';
  if (!many && placeholders.has('names')) return '${names} needs a label, which names the resource of each value';
  // A name is unique in its namespace only: without the namespace it would match a neighbour's too.
  const named = placeholders.has('name') || placeholders.has('names');
  return named && !placeholders.has('namespace') ? 'where it uses a name it must use ${namespace} too' : undefined;
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} must be a JSON object`);
}
