import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';

const scaler = fileURLToPath(new URL('../testing/hanging-scaler.ts', import.meta.url));
const quick = fileURLToPath(new URL('../testing/quick-clock-app.ts', import.meta.url));
const apps = {
  dlx: fileURLToPath(new URL('../../../dlx/src/main.ts', import.meta.url)),
  autoscaler: fileURLToPath(new URL('../../../autoscaler/src/main.ts', import.meta.url)),
};

const running: (() => void)[] = [];
afterEach(() => running.splice(0).forEach((end) => end()));

/** Ports that are free, on loopback. */
const places: Record<string, string[]> = {
  dlx: ['--listen-host=127.0.0.1', '--listen-port=0', '--propagate=0s', '--resource-interval=1s'],
  autoscaler: [],
};
const ports = ['--infra-host=127.0.0.1', '--infra-port=0', '--admin-port=0'];

/** An app's own program with the scaler that hangs there. */
function start(main: string, args: readonly string[]) {
  const flags = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  running.push(() => child.kill('SIGKILL'));
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  return { child, text, exited: once(child, 'exit').then(([code]) => code as number | null) };
}

type Hang = [app: 'dlx' | 'autoscaler', member: string, said: string];

test.each<Hang>(
  (['dlx', 'autoscaler'] as const).flatMap((app) => [
    [app, 'import', 'its import had not answered when the process was asked to stop'],
    [app, 'factory', 'createResourceScaler had not answered when the process was asked to stop'],
    [app, 'getConfig', 'getConfig had not answered when the process was asked to stop'],
    [app, 'getResources', 'the scaler was to tell its resources'],
    [app, 'watchResources', 'the scaler was to tell its resources'],
  ]),
)('%s obeys SIGTERM while the scaler hangs in %s, and says what it waited for', async (app, member, said) => {
  const { child, text, exited } = start(apps[app], [
    ...['--scaler', scaler, '--scaler-option', `hangs=${member}`, '--shutdown-timeout=5s', '--log-level=debug'],
    ...ports,
    ...(places[app] ?? []),
  ]);
  const isIn = /factory|getConfig|import/.test(member) ? 'waiting for the scaler' : 'listening';
  while (!text.out.includes(isIn)) await Promise.race([once(child.stdout, 'data'), exited]);
  const startedMs = performance.now();
  child.kill('SIGTERM');
  expect([await exited, text.err]).toEqual([0, '']);
  expect(performance.now() - startedMs).toBeLessThan(4000);
  expect(text.out).toContain(said);
});

test.each([
  ['import', 'the scaler @scaler/runtime: its import did not answer within 60 s'],
  ['factory', 'the scaler @scaler/runtime: createResourceScaler did not answer within 60 s'],
  ['getConfig', 'the scaler @scaler/runtime: getConfig did not answer within 30 s'],
])('a scaler that hangs in %s ends the start in one sentence', async (member, sentence) => {
  const { text, exited } = start(quick, ['--scaler', scaler, '--scaler-option', `hangs=${member}`]);
  expect(await exited).toBe(1);
  expect(text.out).toContain(sentence);
});
