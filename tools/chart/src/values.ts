import { markdownTable } from '@scaler/command';
import { read } from './places.ts';

/** One value of the chart, as in `values.yaml`. */
export interface Value {
  /** `dlx.service.port`. */
  path: string;
  doc: string;
  /** The default, as written there. */
  text: string;
}

/**
 * The documented values of `values.yaml`: each a comment `# -- …` above its key.
 *
 * @throws for a value that has no comment.
 */
export async function documentedValues(): Promise<Value[]> {
  const found: Value[] = [];
  const parents: { indent: number; key: string }[] = [];
  let doc: string | undefined;
  for (const line of (await read('values.yaml')).split('\n')) {
    const comment = /^\s*# -- (.*)$/.exec(line)?.[1];
    if (comment !== undefined) doc = comment;
    const [, space = '', key, text = ''] = /^(\s*)([A-Za-z]+):\s*(.*)$/.exec(line) ?? [];
    if (key === undefined) continue;
    while ((parents.at(-1)?.indent ?? -1) >= space.length) parents.pop();
    const path = [...parents.map((parent) => parent.key), key].join('.');
    if (text === '') parents.push({ indent: space.length, key });
    else if (doc === undefined) throw new Error(`values.yaml: ${path} has no comment # -- …`);
    else found.push({ path, doc, text });
    doc = undefined;
  }
  return found;
}

/** The values as a Markdown table. */
export function valuesTable(values: readonly Value[]): string {
  const rows = values.map(({ path, doc, text }) =>
    [`\`${path}\``, `\`${text}\``, doc].map((cell) => cell.replaceAll('|', '\\|')),
  );
  return markdownTable([['value', 'default', 'meaning'], ...rows]);
}
