import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** READMEs that tests of their own compare with the tables in code. */
const readmes = ['packages/dlx', 'packages/autoscaler', 'packages/workload-scaler', 'examples/deployment-scaler'].map(
  (folder) => read(`${folder}/README.md`),
);
const rows = read('charts/scaler/BOUNDS.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| bound ') && !line.startsWith('| -'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** The names that the table writes as code does: flags, annotations, metrics. */
function named(pattern: RegExp): string[] {
  return [
    ...new Set(
      rows.flatMap((cells) => cells.flatMap((cell) => [...cell.matchAll(pattern)].map(([, name]) => name ?? ''))),
    ),
  ];
}

const sources = globSync('{packages,examples}/*/src/**/*.ts', { cwd: root })
  .filter((path) => !path.endsWith('.test.ts') && !path.includes('/testing/'))
  .map(read);

const isInReadme = (name: string): boolean => readmes.some((text) => text.includes(`\`${name}`));
/** Code defines each name without the prefix that all share. */
const isDefined = (name: string): boolean => sources.some((text) => text.includes(`'${name.slice('scaler_'.length)}'`));

describe('the table of bounds', () => {
  test('says all six things of each bound', () => {
    expect(rows.length).toBeGreaterThan(60);
    for (const cells of rows) expect(cells).toHaveLength(6);
    const nameless = rows.filter(([bound = '', counts = '', , , , past = '']) => [bound, counts, past].includes(''));
    expect(nameless).toEqual([]);
  });

  test('has each bound once', () => {
    const names = rows.map(([name]) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test.each([
    ['flag', /`(--[a-z0-9-]+)`/g, isInReadme],
    ['annotation', /`(scaler\/[a-z-]+)`/g, isInReadme],
    ['metric', /`(scaler_[a-z_]+)/g, isDefined],
  ] as const)('names no %s that there is not', (_what, pattern, isKnown) => {
    const names = named(pattern);
    expect(names.length).toBeGreaterThanOrEqual(10);
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });
});
