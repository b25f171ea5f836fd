import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';
import { sourceFiles } from './sources.ts';

/** So many files, tests aside, a reader takes in at a glance. */
const most = 15;

/** Folders that have more. The list only shrinks. */
const known: readonly string[] = [
  'examples/deployment-scaler/src',
  'packages/kube/src/client',
  'packages/kube/src/endpoints',
  'packages/testing-kit/src/cluster',
];

test(`no folder has more than ${most} source files, tests aside`, () => {
  const counts = new Map<string, number>();
  for (const file of sourceFiles()) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  const crowded = [...counts].filter(([, count]) => count > most);
  const added = crowded.filter(([folder]) => !known.includes(folder));
  expect(added.map(([folder, count]) => `${folder}: ${count} source files, at most ${most} are wanted`)).toEqual([]);
  const needless = known.filter((folder) => !crowded.some(([one]) => one === folder));
  // No longer crowded, or no longer there: take it out of the list.
  expect(needless).toEqual([]);
});
