import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';
import { sourceFiles } from './sources.ts';

/** So many files, tests aside, a reader takes in at a glance. */
const most = 15;

test(`no folder has more than ${most} source files, tests aside`, () => {
  const counts = new Map<string, number>();
  for (const file of sourceFiles()) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  const crowded = [...counts].filter(([, count]) => count > most);
  expect(crowded.map(([folder, count]) => `${folder}: ${count} source files, at most ${most} are wanted`)).toEqual([]);
});
