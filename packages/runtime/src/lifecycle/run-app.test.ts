import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

/** Starts a real process and waits for its `ready`. */
async function startApp(...argv: string[]) {
  const { child, ended } = spawnApp(...argv);
  await once(child.stdout, 'data');
  return { child, ended };
}

function spawnApp(...argv: string[]) {
  const path = fileURLToPath(new URL('../testing/app.ts', import.meta.url));
  // Jest's own NODE_OPTIONS and the runner's settings are not for this child.
  const env = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, ['--conditions=@scaler/source', path, ...argv], { env });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...texts }));
  return { child, ended };
}

test('a real SIGTERM ends a real process with 0', async () => {
  const { child, ended } = await startApp();
  child.kill('SIGTERM');
  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(out).toContain('"msg":"stop requested"');
});

test('a second real signal ends a process that hangs with 1', async () => {
  const { child, ended } = await startApp('--mode=hang');
  child.kill('SIGTERM');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect((await ended).code).toBe(1);
});

test('an uncaught error ends a process with 1 and a log line', async () => {
  const [thrown, rejected] = await Promise.all([spawnApp('--mode=throw').ended, spawnApp('--mode=reject').ended]);
  expect([thrown.code, rejected.code]).toEqual([1, 1]);
  expect(thrown.out).toContain('thrown in the wild');
  expect(rejected.out).toContain('this is not caught');
});

test('--help and --version print to standard output and exit 0; wrong settings exit 2 with a line each', async () => {
  const [help, version, wrong] = await Promise.all([
    spawnApp('--help', '--wrong').ended,
    spawnApp('--version').ended,
    spawnApp('--mode=fast', '--log-level=loud').ended,
  ]);
  expect([help.code, version.code, wrong.code]).toEqual([0, 0, 2]);
  expect(help.out).toMatch(/^Usage: test-app \[options\]\n/);
  expect(version.out).toBe('test-app 1.2.3\n');
  expect(wrong.err.trimEnd().split('\n')).toEqual([
    'test-app: --log-level is "loud", allowed is silent, error, warn, info, debug',
    'test-app: --mode is "fast", allowed is stop, hang, throw, reject, spin',
  ]);
});
