import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readmes, withTable } from './readme.ts';
import { readResults, type Result } from './results.ts';
import { inOrder } from './scenarios.ts';

const result: Result = {
  scenario: 'small',
  doc: 'small requests',
  date: '2026-01-02',
  machine: { cpu: 'A CPU', cores: 2, memoryGb: 8, kernel: '6.1', node: 'v24.0.0' },
  rounds: 6,
  figures: [
    { name: 'rate, to a', value: 2.1, unit: '×', min: 2, max: 2.2, atLeast: 2 },
    { name: 'rate, to b', value: 0.2, unit: '×', min: 0.1, max: 0.3, atLeast: 0.28 },
    { name: 'failed', value: 0, unit: '', atMost: 0 },
    { name: 'p50', value: 3, unit: 'ms' },
  ],
  measured: [],
};

describe('the table of a README', () => {
  const [short, long] = readmes.map(({ table }) => table([result]));

  test('shows the measured and the wanted value, the range and the machine', () => {
    expect(short).toBe(`| scenario | figure     | measured | range       | wanted            |
| -------- | ---------- | -------- | ----------- | ----------------- |
| \`small\`  | rate, to a | 2.10 ×   | 2 – 2.20    | ≥ 2 ×             |
| \`small\`  | rate, to b | 0.20 ×   | 0.10 – 0.30 | ≥ 0.28 × (missed) |

A CPU, 2 cores, 8 GB, Linux 6.1, Node.js v24.0.0, 2026-01-02.`);
  });

  test('shows everything in the tool’s own', () => {
    expect(long).toMatch(/\| failed /);
    expect(long).toMatch(/\| p50 /);
  });

  test('says so where nothing is kept', () => {
    expect(readmes.map(({ table }) => table([]))).toEqual(readmes.map(() => 'No results are kept yet.'));
  });

  test('stands between markers, whatever stood there', () => {
    const text =
      'before\n\n<!-- bench: written by `npm run bench -- --write-readme` -->\n\nold\n\n<!-- /bench -->\n\nafter\n';
    expect(withTable(text, 'new')).toBe(text.replace('old', 'new'));
    expect(withTable(withTable(text, 'x'), 'new')).toBe(withTable(text, 'new'));
  });

  test('is not written where there are no markers', () => {
    expect(() => withTable('text', 'new')).toThrow('no markers');
  });

  test.each(readmes.map((readme) => [relative(process.cwd(), readme.path), readme] as const))(
    'is in %s what the kept results say',
    async (_name, { path, table }) => {
      const text = await readFile(path, 'utf8');
      expect(text).toBe(withTable(text, table(inOrder(await readResults()))));
    },
  );
});

test('kept results name no path of the machine', async () => {
  expect(JSON.stringify([...(await readResults())])).not.toMatch(/\/(tmp|work|home|root|Users)\//);
});
