import { expect, test } from '@jest/globals';
import { createLogSink } from '../testing/log-sink.ts';
import { createManualClock } from '../testing/manual-clock.ts';
import { createShutdown } from './shutdown.ts';

function setup(deadlineMs = 10_000) {
  const clock = createManualClock();
  const sink = createLogSink();
  return { clock, sink, shutdown: createShutdown({ deadlineMs, logger: sink.logger, clock }) };
}

test('steps run one after the other in the order of their numbers', async () => {
  const { clock, shutdown } = setup();
  const order: string[] = [];
  shutdown.step(2, 'drain', async () => {
    order.push('drain begins');
    await clock.sleep(100);
    order.push('drain ends');
  });
  shutdown.step(3, 'close', () => void order.push('close'));
  shutdown.step(1, 'unready', () => void order.push('unready'));
  const done = shutdown.run();
  await clock.advance(0);
  expect(order).toEqual(['unready', 'drain begins']);
  await clock.advance(100);
  await done;
  expect(order).toEqual(['unready', 'drain begins', 'drain ends', 'close']);
});

test('a step that uses up its own limit sees its signal abort, and the next one begins', async () => {
  const { clock, sink, shutdown } = setup();
  let seen: AbortSignal | undefined;
  let next = false;
  shutdown.step(
    1,
    'drain',
    (signal) => {
      seen = signal;
      return new Promise(() => {});
    },
    { limitMs: 500 },
  );
  shutdown.step(2, 'close', () => void (next = true));
  const done = shutdown.run();
  await clock.advance(499);
  expect([seen?.aborted, next]).toEqual([false, false]);
  await clock.advance(1);
  await done;
  expect([seen?.aborted, next]).toEqual([true, true]);
  expect(sink.lines()).toContainEqual(expect.objectContaining({ level: 'warn', step: 'drain', limitMs: 500 }));
});

test('at the overall deadline the step that hangs is named, and nothing after it runs', async () => {
  const { clock, sink, shutdown } = setup(1_000);
  let after = false;
  shutdown.step(1, 'quick', () => {});
  shutdown.step(2, 'stuck', () => new Promise(() => {}));
  shutdown.step(3, 'after', () => void (after = true));
  const failed = expect(shutdown.run()).rejects.toMatchObject({
    code: 'shutdown-deadline',
    message: 'shutdown step "stuck" had not ended after the deadline of 1000 ms',
  });
  await clock.advance(1_000);
  await failed;
  expect(after).toBe(false);
  expect(sink.lines()).toContainEqual(expect.objectContaining({ level: 'error', step: 'stuck', number: 2 }));
});

test('a step that throws does not stop the others, and fails the shutdown', async () => {
  const { shutdown } = setup();
  let after = false;
  shutdown.step(1, 'broken', () => {
    throw new Error('no');
  });
  shutdown.step(2, 'after', () => void (after = true));
  await expect(shutdown.run()).rejects.toMatchObject({
    code: 'shutdown-failed',
    message: 'shutdown steps failed: broken',
  });
  expect(after).toBe(true);
});

test('run twice runs once', async () => {
  const { shutdown } = setup();
  let count = 0;
  shutdown.step(1, 'count', () => void count++);
  await Promise.all([shutdown.run(), shutdown.run()]);
  expect(count).toBe(1);
});

test('a taken number and a late step are refused', async () => {
  const { shutdown } = setup();
  shutdown.step(1, 'a', () => {});
  expect(() => shutdown.step(1, 'b', () => {})).toThrow('shutdown step 1 is "a" and cannot be "b" too');
  await shutdown.run();
  expect(() => shutdown.step(2, 'late', () => {})).toThrow(expect.objectContaining({ code: 'stopping' }));
});
