// Every call that ends, resets or closes streams of HTTP/2, at each state: npm run fuzz -- --closes [--count N] [--write]
import { calls } from './calls.ts';
import { type CellResult, cellsOf, runCells } from './closes.ts';
import { render, writeTable } from './table.ts';

/** Returns the number of failures: calls of the product's that turned for ever. */
export async function runCloses(count: number, write: boolean): Promise<number> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const onResult = ({ side, state, moment, call, seen, spins, grownMb }: CellResult): void =>
    say(`${side}, ${state}, ${moment}: ${call} ${spins ? 'TURNS FOR EVER' : `${JSON.stringify(seen)} +${grownMb} MB`}`);
  const results = await runCells(cellsOf(calls), { count, forMs: 5000 + count * 30, onResult });
  say(`\n${render(results)}\n`);
  if (write) writeTable(results);
  const failed = results.filter(({ spins, ours }) => spins && ours);
  const raw = results.filter(({ spins, ours }) => spins && !ours);
  say(
    `${results.length} cells, ${count} tries in each, Node ${process.version}: ${failed.length} of the product's calls turn`,
  );
  say(`for ever, ${raw.length} of Node's do that the product does not make.`);
  return failed.length;
}
