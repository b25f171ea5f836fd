import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { moments, sides, states } from './calls.ts';
import type { CellResult } from './closes.ts';

const readme = fileURLToPath(new URL('../../http2/README.md', import.meta.url));
const [begin, end] = ['<!-- closes: begin -->', '<!-- closes: end -->'];
/** Less than this share was not seen in time, on a machine that is busy. */
const rare = 0.05;
const titles = { upstream: "A request's stream to an endpoint", client: "A request's stream from a client" };

/** Two tables, in Markdown: what the peer sees of each call, in each state. */
export function render(results: readonly CellResult[]): string {
  return sides
    .map((side) => {
      const mine = results.filter((result) => result.side === side);
      const names = [...new Set(mine.map(({ call }) => call))];
      const rows = names.map((call) => rowOf(mine.filter((result) => result.call === call)));
      const head = ['call', 'the product makes it', ...states];
      return [`### ${titles[side]}`, '', line(head), line(head.map(() => '---')), ...rows].join('\n');
    })
    .join('\n\n');
}

export function rowOf(results: readonly CellResult[]): string {
  const [first] = results;
  const cells = states.map((state) => cellOf(results.filter((result) => result.state === state)));
  return line([`\`${first?.call ?? ''}\``, first?.ours === true ? 'yes' : 'no', ...cells]);
}

/** Alike in both moments, or each by itself. */
function cellOf(results: readonly CellResult[]): string {
  const texts = moments.map((moment) => textOf(results.find((result) => result.moment === moment)));
  const [inside = '', later = ''] = texts;
  return inside === later ? inside : `${inside} inside, ${later} later`;
}

function textOf(result: CellResult | undefined): string {
  if (result === undefined) return '';
  if (result.spins) return '**turns for ever**';
  const total = Object.values(result.seen).reduce((sum, times) => sum + times, 0);
  const often = Object.entries(result.seen).filter(([, times]) => times > total * rare);
  return often
    .map(([seen]) => seen)
    .sort()
    .join(' or ');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Puts them into the README of HTTP/2. */
export function writeTable(results: readonly CellResult[]): void {
  const text = readFileSync(readme, 'utf8');
  const [before] = text.split(begin);
  const after = text.split(end)[1] ?? '';
  writeFileSync(readme, `${before}${begin}\n\n${render(results)}\n\n${end}${after}`);
}

export function tableRows(): string[] {
  const text = readFileSync(readme, 'utf8').split(begin)[1]?.split(end)[0] ?? '';
  return text
    .split('\n')
    .filter((row) => row.startsWith('| `'))
    .map((row) => row.replace(/ +/g, ' '));
}
