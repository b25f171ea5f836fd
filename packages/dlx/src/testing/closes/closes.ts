import { fileURLToPath } from 'node:url';
import { runBounded } from '../children/bounded-child.ts';
import { type Call, calls, moments, sides, states } from './calls.ts';
import type { Cell } from './cell-child.ts';

const program = fileURLToPath(new URL('cell-child.ts', import.meta.url));
/** A stream that turns takes 100 MB in less than a second. */
const mostMb = 700;

export interface CellResult extends Cell {
  readonly ours: boolean;
  /** What the peer saw, and how often. */
  readonly seen: Readonly<Record<string, number>>;
  /** It turned for ever. */
  readonly spins: boolean;
  readonly grownMb: number;
}

/** All cells of these calls. */
export function cellsOf(some: readonly Call[]): Cell[] {
  return sides.flatMap((side) =>
    some
      .filter((call) => call.side === undefined || call.side === side)
      .flatMap(({ name: call }) => states.flatMap((state) => moments.map((moment) => ({ side, state, call, moment })))),
  );
}

/** Runs cells one after the other, in one process as long as none of them turns for ever. */
export async function runCells(
  cells: readonly Cell[],
  {
    count,
    forMs,
    node,
    onResult = () => {},
  }: { count: number; forMs: number; node?: string; onResult?: (result: CellResult) => void },
): Promise<CellResult[]> {
  const results: CellResult[] = [];
  while (results.length < cells.length) {
    const rest = cells.slice(results.length);
    const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];
    const args = [...flags, program, JSON.stringify([rest, count])];
    const { child, ended } = runBounded(args, { mostMb, forMs: forMs * rest.length }, node);
    let timer: NodeJS.Timeout | undefined;
    let late = false;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, forMs);
    };
    wait();
    const add = (seen: Record<string, number>, spins: boolean, grownMb: number): void => {
      const cell = cells[results.length] as Cell;
      const result = {
        ...cell,
        ours: calls.some(({ name, ours }) => name === cell.call && ours),
        seen,
        spins,
        grownMb,
      };
      results.push(result);
      onResult(result);
    };
    child.on('message', (message: { seen?: Record<string, number>; grownMb?: number }) => {
      if (message.seen !== undefined) add(message.seen, false, message.grownMb ?? 0);
      wait();
    });
    const { code, killed, err } = await ended;
    clearTimeout(timer);
    if (results.length === cells.length) break;
    if (late || killed !== undefined) add({}, true, 0);
    else throw new Error(`the process of cell ${JSON.stringify(cells[results.length])} ended with ${code}: ${err}`);
  }
  return results;
}
