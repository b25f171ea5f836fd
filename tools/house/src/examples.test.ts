// Every scaler that a page shows is one that both apps start with, as their own programs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { until } from '@scaler/command';
import { startFakeApi } from '@scaler/testing-kit/kubernetes';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { root } from './sources.ts';

/** A scaler that a page shows: a block of code with the export that the apps look for, or a file that the page links. */
interface Example {
  readonly name: string;
  readonly code: string;
  readonly extension: string;
}

const pages = globSync('{README.md,docs/**/*.md,{packages,examples,charts,tools}/*/*.md}', { cwd: root }).toSorted();
const isScaler = (code: string): boolean =>
  /^export (const|function|async function) createResourceScaler\b/m.test(code);
const examples = pages.flatMap((page): Example[] => {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/```(ts|js)\n([\s\S]*?)```/g)].map(([, language = '', code = '']) => ({
    name: page,
    code,
    extension: language === 'ts' ? '.ts' : '.mjs',
  }));
  const linked = [...text.matchAll(/\]\((src\/[^)]*scaler\.ts)\)/g)].map(([, path = '']) => ({
    name: `${page}: ${path}`,
    code: readFileSync(join(root, dirname(page), path), 'utf8'),
    extension: '.ts',
  }));
  return [...blocks, ...linked].filter(({ code }) => isScaler(code));
});

const apps = { dlx: 'packages/dlx/src/main.ts', autoscaler: 'packages/autoscaler/src/main.ts' };
type App = keyof typeof apps;
const flags: Record<App, readonly string[]> = {
  dlx: ['--listen-host=127.0.0.1', '--listen-port=0', '--propagate=0s', '--drain-timeout=1s'],
  autoscaler: ['--lease-namespace=default'],
};

let api: Awaited<ReturnType<typeof startFakeApi>>;
let folder: string;
beforeAll(async () => {
  api = await startFakeApi();
  // Inside a package, so that the names of ours resolve as they do for an author.
  folder = mkdtempSync(join(import.meta.dirname, '../example-'));
  writeFileSync(join(folder, 'kubeconfig'), api.kubeconfig());
  const dependencies = { '@scaler/scaler-types': '*' };
  // As `npm install` writes it into an empty folder.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies }));
  // What the example of a kind is about.
  const names = { group: 'argoproj.io', version: 'v1alpha1', resource: 'rollouts', kind: 'Rollout' };
  api.store.register({
    ...names,
    namespaced: true,
    hasStatus: true,
    custom: true,
    needsVersion: true,
    generation: 'spec',
  });
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

/** Starts an app with a scaler, and stops it once it is ready: its exit code, and what it printed. */
async function start(app: App, ...scaler: readonly string[]): Promise<{ code: number | null; said: string }> {
  const ports = ['--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0', '--shutdown-timeout=5s'];
  const node = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', join(root, apps[app])];
  const child = spawn(process.execPath, [...node, ...ports, ...flags[app], '--scaler', ...scaler], {
    cwd: folder,
    env: { PATH: process.env['PATH'], KUBECONFIG: join(folder, 'kubeconfig') },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const closed = once(child, 'close') as Promise<[number | null]>;
  const ready = until(`${app} is ready, or ended`, 30_000, async () => {
    if (child.exitCode !== null) return true;
    const port = /"infra":\{[^}]*"port":(\d+)/.exec(said)?.[1];
    return port !== undefined && (await fetch(`http://127.0.0.1:${port}/readyz`)).ok ? true : undefined;
  });
  try {
    await ready;
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = await closed;
  return { code, said };
}

test('the pages that show a scaler', () => {
  expect(examples.map(({ name }) => name)).toEqual([
    'packages/autoscaler/README.md',
    'packages/dlx/README.md',
    'packages/scaler-types/README.md',
    'packages/testing-kit/README.md: src/contract/testing/lamp-scaler.ts',
    'packages/workload-scaler/README.md',
  ]);
});

test.each(examples.map(({ name, ...example }, i) => [name, { ...example, file: `scaler-${i}` }] as const))(
  '%s: both apps start with its scaler, and end well',
  async (_, { code, extension, file }) => {
    writeFileSync(join(folder, file + extension), code);
    const [dlx, autoscaler] = await Promise.all([
      start('dlx', `./${file}${extension}`),
      start('autoscaler', `./${file}${extension}`),
    ]);
    // What it said last is its reason.
    expect([dlx.code, autoscaler.code, dlx.said, autoscaler.said]).toEqual([
      ...[0, 0],
      ...[expect.stringContaining('"msg":"stopped"'), expect.stringContaining('"msg":"stopped"')],
    ]);
  },
  60_000,
);

test('a kubeconfig is for those who ask for it: a scaler that has no such option starts beside it', async () => {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  await new Promise((resolve) => socket.close(resolve));
  const processes = [{ name: 'web', command: ['true'], port }];
  writeFileSync(join(folder, 'processes.json'), JSON.stringify({ controlPort: port, processes }));
  const given = ['--scaler-option=file=processes.json', `--kubeconfig=${join(folder, 'kubeconfig')}`];
  for (const app of ['autoscaler', 'dlx'] as const)
    expect(await start(app, '@scaler/process-scaler', ...given)).toMatchObject({ code: 0 });
}, 60_000);
