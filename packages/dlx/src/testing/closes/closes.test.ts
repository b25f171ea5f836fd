import { expect, test } from '@jest/globals';
import { calls } from './calls.ts';
import { cellsOf, runCells } from './closes.ts';
import { rowOf, tableRows } from './table.ts';

test('no call of the product makes a stream turn for ever, a reset is never an end, and the README tells what each does', async () => {
  const ours = calls.filter((call) => call.ours);
  const results = await runCells(cellsOf(ours), { count: 20, forMs: 20_000 });
  expect(results.filter(({ spins }) => spins)).toEqual([]);
  for (const [name, code] of [
    ['CANCEL', 8],
    ['INTERNAL_ERROR', 2],
    ['NO_ERROR', 0],
  ] as const) {
    const resets = results.filter(({ call }) => call === `resetStream(${name})`);
    expect(new Set(resets.flatMap(({ seen }) => Object.keys(seen)))).toEqual(new Set([`RST ${code}`]));
  }
  const rows = tableRows();
  for (const call of ours.map(({ name }) => name).filter((name) => name.startsWith('resetStream'))) {
    for (const side of ['upstream', 'client']) {
      expect(rows).toContain(rowOf(results.filter((result) => result.call === call && result.side === side)));
    }
  }
}, 240_000);

test('every call stands in the README', () => {
  const rows = tableRows();
  expect(calls.filter(({ name }) => !rows.some((row) => row.startsWith(`| \`${name}\` |`)))).toEqual([]);
});

test('Node still turns for ever at stream.close: once it does not, resetStream may be that', async () => {
  const cells = [{ side: 'upstream', state: 'under way', call: 'stream.close(CANCEL)', moment: 'inside' }] as const;
  const [result] = await runCells(cells, { count: 50, forMs: 8000 });
  // 20.20, 22.23, 24.21 and 26.10 do.
  expect([process.version, result?.spins]).toEqual([process.version, true]);
}, 60_000);
