import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { prove, type ProofOptions } from './proof.ts';
import { Results } from './results.ts';
import type { Suite } from './suites.ts';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proof-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true }));

function options(suites: readonly Suite[], more: Partial<ProofOptions> = {}): ProofOptions {
  return {
    ...{ suites, results: new Results(folder, 'abc'), root: folder, again: false, hasCluster: false },
    ...{ signal: new AbortController().signal, say: (line) => void said.push(line) },
    ...more,
  };
}

const runs = (): string[] => said.filter((line) => line.startsWith('===')).map((line) => line.split(/[ :]+/)[1] ?? '');

test('what has passed is not run again, what failed is', async () => {
  const suites = [
    { name: 'good', command: 'echo fine' },
    { name: 'bad', command: 'test -e mended' },
    { name: 'mend', command: 'touch mended' },
  ];
  expect(await prove(options(suites))).toBe(false);
  expect(await readFile(join(folder, 'abc/good.log'), 'utf8')).toBe('fine\n');
  expect(await prove(options(suites))).toBe(true);
  expect(runs()).toEqual(['good', 'bad', 'mend', 'bad']);
  expect(await prove(options(suites, { again: true }))).toBe(true);
  expect(runs().slice(4)).toEqual(['good', 'bad', 'mend']);
});

test('another commit has results of its own', async () => {
  const suites = [{ name: 'good', command: 'true' }];
  await prove(options(suites));
  await prove(options(suites, { results: new Results(folder, 'def') }));
  expect(runs()).toEqual(['good', 'good']);
});

test('what was stopped has no result, ends with all that it started, and is run again', async () => {
  const stop = new AbortController();
  const suites = [
    { name: 'long', command: 'sleep 600 & echo begun; wait' },
    { name: 'next', command: 'true' },
  ];
  const results = new Results(folder, 'abc');
  const proving = prove(options(suites, { signal: stop.signal, results }));
  while ((await readFile(results.logOf('long'), 'utf8').catch(() => '')) !== 'begun\n') {
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  expect(await proving).toBe(false);
  expect([results.get('long'), results.get('next')]).toEqual([undefined, undefined]);
  expect(runs()).toEqual(['long']);
});

test('what needs a cluster is skipped loudly where there is none, and nothing is proved then', async () => {
  const suites = [{ name: 'e2e', command: 'true', cluster: true }];
  expect(await prove(options(suites))).toBe(false);
  expect(said).toEqual(['!!! SKIPPED: e2e needs KUBECONFIG, or the cluster kit']);
  expect(await prove(options(suites, { hasCluster: true }))).toBe(true);
});
