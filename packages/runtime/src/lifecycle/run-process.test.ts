import { expect, test } from '@jest/globals';
import { configError } from '../errors.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createFakeProcess } from '../testing/process-seam.ts';
import { type ProcessContext, runProcess } from './run-process.ts';

function start(run: (context: ProcessContext) => Promise<void>) {
  const clock = createManualClock();
  const sink = createLogSink();
  const seam = createFakeProcess();
  const ended = runProcess({ name: 'app', logger: sink.logger, clock, process: seam, shutdownTimeoutMs: 1_000, run });
  return { clock, sink, seam, ended };
}

const untilStopped = ({ signal }: ProcessContext): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

test.each(['SIGTERM', 'SIGINT'])('%s aborts the run, runs the steps, exits 0 and leaves no handler', async (name) => {
  const order: string[] = [];
  const { seam, clock, ended } = start(async (context) => {
    context.shutdown.step(2, 'b', () => void order.push('b'));
    context.shutdown.step(1, 'a', () => void order.push('a'));
    await untilStopped(context);
  });
  await clock.advance(0);
  seam.emit(name, name);
  expect(await ended).toBe(0);
  expect(order).toEqual(['a', 'b']);
  expect(seam.exits).toEqual([0]);
  expect(seam.eventNames()).toEqual([]);
});

test('a run that ends by itself runs the steps and exits 0', async () => {
  let closed = false;
  const { ended } = start(async ({ shutdown }) => shutdown.step(1, 'close', () => void (closed = true)));
  expect(await ended).toBe(0);
  expect(closed).toBe(true);
});

test('a run that throws is logged, the steps run, and it exits 1', async () => {
  let closed = false;
  const { ended, sink } = start(async ({ shutdown }) => {
    shutdown.step(1, 'close', () => void (closed = true));
    throw new Error('boom');
  });
  expect(await ended).toBe(1);
  expect(closed).toBe(true);
  expect(sink.lines()).toContainEqual(expect.objectContaining({ level: 'error', msg: 'failed' }));
});

test('an error of config or plug-in exits 2 with one line per problem on standard error', async () => {
  const { ended, seam } = start(() => Promise.reject(configError('one', 'two')));
  expect(await ended).toBe(2);
  expect(seam.err).toEqual(['app: one\n', 'app: two\n']);
});

test('the second signal exits 1 at once', async () => {
  const { seam, clock } = start(async ({ shutdown }) => {
    shutdown.step(1, 'stuck', () => new Promise(() => {}));
    await new Promise(() => {});
  });
  await clock.advance(0);
  seam.emit('SIGTERM', 'SIGTERM');
  expect(seam.exits).toEqual([]);
  seam.emit('SIGTERM', 'SIGTERM');
  expect(seam.exits).toEqual([1]);
});

test('a step, or a run, that hangs past the deadline exits 1 and is named', async () => {
  const { seam, clock, ended, sink } = start(() => new Promise(() => {}));
  await clock.advance(0);
  seam.emit('SIGTERM', 'SIGTERM');
  await clock.advance(1_000);
  expect(await ended).toBe(1);
  expect(sink.lines()).toContainEqual(expect.objectContaining({ msg: 'shutdown deadline exceeded', step: 'run' }));
});

test('a signal during the start ends the start: a step that comes too late is no failure', async () => {
  const { seam, clock, ended } = start(async ({ shutdown, clock: time }) => {
    await time.sleep(500);
    shutdown.step(1, 'late', () => {});
  });
  await clock.advance(0);
  seam.emit('SIGTERM', 'SIGTERM');
  await clock.advance(500);
  expect(await ended).toBe(0);
});

test.each(['uncaughtException', 'unhandledRejection'])('%s is logged and exits 1 at once', async (event) => {
  const { seam, clock, sink } = start(untilStopped);
  await clock.advance(0);
  seam.emit(event, new Error('in the wild'));
  expect(seam.exits).toEqual([1]);
  expect(sink.lines()).toContainEqual(expect.objectContaining({ msg: 'crashed', kind: event }));
});
