import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { BusyTurn } from './busy-turn.ts';

/** Starts the app for tests as a real process, alone or as process 1 of a container, and ends it after the test. */
function startApp(argv: readonly string[], before: readonly string[] = []) {
  const path = fileURLToPath(new URL('../testing/app.ts', import.meta.url));
  const env = { PATH: process.env['PATH'] ?? '' };
  const [command = '', ...args] = [...before, process.execPath, '--conditions=@scaler/source', path, ...argv];
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const ended = once(child, 'close').then(
    ([code, signal]) => ({ code, signal, out }) as { code: unknown; signal: unknown; out: string },
  );
  return { child, ended, ready: once(child.stdout, 'data') };
}

test('a process whose loop turns for ever says so and ends by SIGABRT', async () => {
  const begunMs = performance.now();
  const { signal, out } = await startApp(['--mode=spin', '--loop-limit=1s']).ended;
  expect(signal).toBe('SIGABRT');
  const line = out.split('\n').find((one) => one.includes('the event loop does not turn')) ?? '';
  expect(JSON.parse(line)).toMatchObject({ level: 'error', app: 'test-app', limitMs: 1000 });
  expect(performance.now() - begunMs).toBeLessThan(20_000);
}, 30_000);

test('so does process 1 of a container, which hears no signal that it does not handle', async () => {
  const container = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const probe = spawn('unshare', [...container.slice(1), 'true']);
  const [allowed] = (await Promise.race([once(probe, 'close'), once(probe, 'error').then(() => [1])])) as [number];
  // In a sandbox that forbids namespaces the test shows nothing.
  if (allowed !== 0) return;
  const { code, signal, out } = await startApp(['--mode=spin', '--loop-limit=1s'], container).ended;
  expect(out).toContain('the event loop does not turn');
  // What `unshare` makes of SIGABRT or, where that is not heard, SIGSEGV.
  expect([code, signal]).not.toEqual([null, 'SIGKILL']);
  expect(code).not.toBe(0);
}, 40_000);

test('with 0 it may turn for ever', async () => {
  const { child, ended, ready } = startApp(['--mode=spin', '--loop-limit=0']);
  await ready;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL', out: 'ready\n' });
}, 30_000);

test('a process that was stopped as a whole goes on', async () => {
  const { child, ended, ready } = startApp(['--loop-limit=300ms']);
  await ready;
  child.kill('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 3000));
  child.kill('SIGCONT');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, signal: null });
}, 30_000);

test('CPU time in which the loop has not turned counts, and no more than has passed', () => {
  const turn = new BusyTurn();
  expect(turn.look(1, 0, 0)).toBe(0);
  // Four threads collect.
  expect(turn.look(1, 2000, 500)).toBe(500);
  // It was stopped for a minute, or had no CPU.
  expect(turn.look(1, 2010, 60_500)).toBe(510);
  expect(turn.look(1, 2510, 61_000)).toBe(1010);
  expect(turn.look(2, 3000, 61_500)).toBe(0);
  expect(turn.look(3, 3500, 62_000)).toBe(0);
});
