import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { root, sourceFiles } from './sources.ts';

const sources = sourceFiles().filter((file) => /^(packages|examples)\//.test(file) && !file.includes('/testing/'));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

test('the DLX, the autoscaler and the workload scaler speak by dlx-api.ts', () => {
  const users = sources.filter((file) => textOf(file).includes("from '@scaler/scaler-types/dlx-api'"));
  const projects = new Set(users.map((file) => file.split('/', 2).join('/')));
  expect([...projects].sort()).toEqual(['packages/autoscaler', 'packages/dlx', 'packages/workload-scaler']);
});

test('no other file spells a path or the outcomes of that protocol', () => {
  const spelled = /'\/(activity|fence|preflight|listening)'|'upstream-reset',\n\s*'/;
  const found = sources.filter((file) => spelled.test(textOf(file)));
  expect(found).toEqual(['packages/scaler-types/src/dlx-api.ts']);
});
