import { expect, test } from '@jest/globals';
import { knotsIn, shortestCircle } from './circles.ts';
import { importsOf, projectOf, sourceFiles } from './sources.ts';

/** How many files of a project may stand in circles still. A number only falls, and with the last circle its line goes. */
const known: Readonly<Record<string, number>> = {
  'tools/chaos': 2,
};

const imports = importsOf(sourceFiles());
const knots = knotsIn(imports);

test('no file imports itself by way of others, types included', () => {
  const found: Record<string, number> = {};
  const circles: Record<string, string[]> = {};
  for (const knot of knots) {
    const project = projectOf(knot[0] as string);
    found[project] = (found[project] ?? 0) + knot.length;
    (circles[project] ??= []).push(`${knot.length} files, by ${shortestCircle(knot, imports).join(' → ')}`);
  }
  const more = Object.keys(found).filter((project) => (found[project] as number) > (known[project] ?? 0));
  expect(more.flatMap((project) => circles[project])).toEqual([]);
  const needless = Object.keys(known).filter((project) => found[project] === undefined);
  // The last circle is gone: take the project out of the list.
  expect(needless).toEqual([]);
});

test('imports are found', () => {
  expect(imports.size).toBeGreaterThan(500);
  const count = [...imports.values()].reduce((sum, { length }) => sum + length, 0);
  expect(count).toBeGreaterThan(1500);
});

test('a circle is found, and told by its shortest way', () => {
  const three = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['a', 'd']],
    ['d', ['e']],
    ['e', []],
    ['f', ['g', 'b']],
    ['g', ['f']],
  ]);
  expect(knotsIn(three).sort()).toEqual([
    ['a', 'b', 'c'],
    ['f', 'g'],
  ]);
  expect(shortestCircle(['a', 'b', 'c'], three)).toEqual(['a', 'b', 'c', 'a']);
  expect(knotsIn(new Map([['a', ['a']]]))).toEqual([['a']]);
});
