import { expect, test } from '@jest/globals';
import { knotsIn, shortestCircle } from './circles.ts';
import { importsOf, sourceFiles } from './sources.ts';

const imports = importsOf(sourceFiles());
const knots = knotsIn(imports);

test('no file imports itself by way of others, types included', () => {
  const circles = knots.map((knot) => `${knot.length} files, by ${shortestCircle(knot, imports).join(' → ')}`);
  expect(circles).toEqual([]);
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
