import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from '@scaler/command';
import { boundText, isBounded, isWithin, rangeText, valueText } from './figure.ts';
import type { Result } from './results.ts';
import type { Figure } from './scenario.ts';

const root = join(import.meta.dirname, '../../..');
const begin = '<!-- bench: written by `npm run bench -- --write-readme` -->';
const end = '<!-- /bench -->';

/** A document with a table between markers, and the content of the table. */
export interface Readme {
  readonly path: string;
  table(results: readonly Result[]): string;
}

export const readmes: readonly Readme[] = [
  {
    // The figures that have a bound, without the checks that something is 0.
    path: join(root, 'README.md'),
    table: (results) => tableOf(results, (figure) => isBounded(figure, false) && figure.atMost !== 0),
  },
  { path: join(root, 'tools/bench/README.md'), table: (results) => tableOf(results, () => true) },
  // The figures that an operator sizes by.
  { path: join(root, 'charts/scaler/README.md'), table: (results) => withMachines(results, sizingRows(results)) },
];

function tableOf(results: readonly Result[], isShown: (figure: Figure) => boolean): string {
  const rows = results.flatMap(({ scenario, figures }) =>
    figures
      .filter(isShown)
      .map((figure) => [`\`${scenario}\``, figure.name, valueText(figure), rangeText(figure), verdict(figure)]),
  );
  return withMachines(results, [['scenario', 'figure', 'measured', 'range', 'wanted'], ...rows]);
}

function withMachines(results: readonly Result[], rows: readonly (readonly string[])[]): string {
  if (results.length === 0) return 'No results are kept yet.';
  return [markdownTable(rows), ...new Set(results.map(machineText))].join('\n\n');
}

function verdict(figure: Figure): string {
  const text = boundText(figure, false);
  return text === '' || isWithin(figure, false) ? text : `${text} (missed)`;
}

function machineText({ machine, date }: Result): string {
  const { cpu, cores, memoryGb, kernel, node } = machine;
  return `${cpu}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}, Node.js ${node}, ${date}.`;
}

/** The text with another table between its markers. @throws when it has none. */
export function withTable(text: string, table: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`the document has no markers ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
}

export async function writeReadmes(results: readonly Result[]): Promise<void> {
  for (const { path, table } of readmes) {
    await writeFile(path, withTable(await readFile(path, 'utf8'), table(results)));
  }
}

/** A row of the sizing table: the text for the operator, and the scenario and the figure that show it. */
const shown: readonly (readonly [what: string, scenario: string, figure: string])[] = [
  ['autoscaler: start → ready', 'start', 'autoscaler: start → ready'],
  ['autoscaler: memory at rest', 'start', 'autoscaler: memory at rest'],
  ['DLX: start → ready', 'start', 'dlx: start → ready'],
  ['DLX: memory at rest', 'start', 'dlx: memory at rest'],
  ['DLX: 10,000 sleepers: memory on top', 'sleepers', 'default scaler: memory above none, for 10,000'],
  ['DLX: 10,000 sleepers: processor, without traffic', 'sleepers', 'default scaler: processor, without traffic'],
  ['DLX: 10,000 sleepers: start → ready', 'sleepers', 'default scaler: start → ready'],
  ['a request that is held', 'held', 'memory of each held'],
  ['a request that is held, with a body', 'held-bodies', 'memory of each held'],
  ['DLX: most memory with 10,000 held', 'held', 'peak memory of the DLX'],
  ['DLX: most memory with 10,000 held, with bodies', 'held-bodies', 'peak memory of the DLX'],
  ['the rate at which held ones are let go', 'held', 'drain rate'],
  [
    'a hundred sleepers woken at once: request → replicas raised, p95',
    'wake-100',
    'default scaler: request → replicas raised, p95 of 100',
  ],
  ['requests forwarded in a second, small ones, by one replica', 'small', 'DLX: requests per second'],
  ['the same, to nginx with one worker', 'small', 'rate, to nginx'],
  ['added to the median latency', 'latency', 'DLX: added to p50'],
  ['added to the 99th percentile', 'latency', 'DLX: added to p99'],
];

/** The rows of the table, its head first. A row whose figure no kept result has is left out. */
function sizingRows(results: readonly Result[]): string[][] {
  const rows = shown.flatMap(([what, scenario, name]) => {
    const figure = results
      .find((result) => result.scenario === scenario)
      ?.figures.find((candidate) => candidate.name === name);
    return figure === undefined ? [] : [[what, valueText(figure), rangeText(figure), `\`${scenario}\``]];
  });
  return [['what', 'measured', 'range', 'scenario'], ...rows];
}
