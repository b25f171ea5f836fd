// Runs `.ci/run` in a folder of its own, with stand-ins for npm and the cluster kit that only record their arguments.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { root } from '@scaler/chart';

let folder: string;
const clone = (): string => join(folder, 'clone');

function program(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "$(basename "$0") $*" >>"$RECORD"\n${text}\n`);
  chmodSync(path, 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ci-run-'));
  cpSync(join(root, '.ci'), join(clone(), '.ci'), { recursive: true });
  for (const name of ['apt-get', 'wrk', 'go']) program(join(folder, 'bin', name), '');
  program(join(folder, 'bin/npm'), 'case "$*" in *"$FAILING"*) echo "$* went wrong"; exit 1 ;; esac');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(env: Record<string, string> = {}): { code: number | null; lines: string[]; asked: string[] } {
  const { status, stdout } = spawnSync(join(clone(), '.ci/run'), {
    encoding: 'utf8',
    env: {
      PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
      ...{ HOME: folder, RECORD: join(folder, 'record'), FAILING: 'nothing of all this', ...env },
    },
  });
  const asked = readFileSync(join(folder, 'record'), 'utf8').trim().split('\n');
  return { code: status, lines: stdout.trim().split('\n'), asked };
}

function addKit(build = ''): void {
  const kit = join(folder, 'shared/cluster');
  program(join(kit, 'build'), build);
  program(join(kit, 'up'), 'echo /kubeconfig');
  program(join(kit, 'image'), 'echo localhost/scaler-e2e:1');
  program(join(kit, 'down'), '');
}

test('alone it runs all but what needs a cluster or helm, says so at the end, and passes', () => {
  const { code, lines, asked } = run();
  expect(code).toBe(0);
  expect(lines.slice(-3)).toEqual([
    '!!! SKIPPED: chart: there is no helm',
    '!!! SKIPPED: e2e on a real Kubernetes: KUBECONFIG is not set, and there is no cluster kit at ../shared/cluster',
    '14 passed, 0 failed',
  ]);
  expect(asked[0]).toBe('npm ci --no-audit --no-fund');
  expect(asked).toContain('npm start -- --once');
  expect(asked).toContain('npm run --silent release:check -- planned');
});

test('the output of a failed step is repeated, and the exit code is 1', () => {
  const { code, lines } = run({ FAILING: 'run --silent knip' });
  expect(code).toBe(1);
  expect(lines).toContain('!!! FAILED: knip, which ended with');
  expect(lines.filter((line) => line === 'run --silent knip went wrong')).toHaveLength(2);
  expect(lines.at(-1)).toBe('13 passed, 1 failed');
});

test('a cluster that is given needs an image', () => {
  expect(run({ KUBECONFIG: '/one' }).lines.at(-2)).toContain('KUBECONFIG is set, and E2E_IMAGE is not');
  const { lines, asked } = run({ KUBECONFIG: '/one', E2E_IMAGE: 'e2e:1' });
  expect(lines.at(-1)).toBe('15 passed, 0 failed');
  expect(asked.slice(-2)).toEqual(['npm run --silent e2e:stage', 'npm run --silent e2e']);
});

const isRoot = process.getuid?.() === 0;
(isRoot ? test : test.skip)('with the kit a cluster is built beside the steps, used, and taken away', () => {
  addKit();
  const { lines, asked } = run();
  expect(lines.at(-1)).toBe('15 passed, 0 failed');
  expect(asked).toContain('build ');
  expect(asked.slice(-5)).toEqual([
    ...['npm run --silent e2e:stage', 'up ', 'image scaler-e2e:1 -base node -workdir /app dist/e2e-image:/app'],
    ...['npm run --silent e2e', 'down'],
  ]);
});

(isRoot ? test : test.skip)('a cluster whose build failed is a failure, and its log is shown', () => {
  addKit('echo no Go modules; exit 1');
  const { code, lines } = run();
  expect(code).toBe(1);
  expect(lines).toEqual(expect.arrayContaining(['!!! FAILED: cluster, which ended with', 'no Go modules']));
  expect(lines.at(-2)).toBe('!!! SKIPPED: e2e on a real Kubernetes: its build failed');
  expect(lines.at(-1)).toBe('14 passed, 1 failed');
});
