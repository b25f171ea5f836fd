import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine/machine.ts';
import type { Figure } from './scenario.ts';

/** The results of one scenario, as they are kept. */
export interface Result {
  readonly scenario: string;
  readonly doc: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly figures: readonly Figure[];
  /** The numbers of every round as they were measured, of dropped rounds too. */
  readonly measured: readonly object[];
}

const folder = join(import.meta.dirname, '../results');

export async function keepResult(result: Result): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${result.scenario}.json`), `${JSON.stringify(result, rounded, 2)}\n`);
}

/** All results that are kept, by name; empty where none was kept yet. */
export async function readResults(): Promise<ReadonlyMap<string, Result>> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).toSorted();
  const results = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Result),
  );
  return new Map(results.map((result) => [result.scenario, result]));
}

/** No figure is exact to more than five digits. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
