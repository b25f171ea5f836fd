import { expect, test } from '@jest/globals';
import { createManualClock } from '../testing/manual-clock.ts';
import { type Part, supervise } from './supervise.ts';

function untilAborted(name: string, ended: string[]): Part {
  return {
    name,
    run: (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          ended.push(name);
          reject(signal.reason as Error);
        }),
      ),
  };
}

test('ends without error when the signal aborts and all parts have ended', async () => {
  const stop = new AbortController();
  const ended: string[] = [];
  const all = supervise([untilAborted('a', ended), untilAborted('b', ended)], stop.signal);
  stop.abort();
  await all;
  expect(ended).toEqual(['a', 'b']);
});

test('a part that throws aborts the others and is named', async () => {
  const ended: string[] = [];
  const cause = new Error('boom');
  const broken: Part = { name: 'watch', run: () => Promise.reject(cause) };
  await expect(supervise([untilAborted('a', ended), broken], new AbortController().signal)).rejects.toMatchObject({
    code: 'part-failed',
    message: 'part "watch" failed: boom',
    cause,
  });
  expect(ended).toEqual(['a']);
});

test('a part that ends by itself counts as a failure', async () => {
  const ended: string[] = [];
  const quitter: Part = { name: 'lease', run: () => Promise.resolve() };
  await expect(supervise([quitter, untilAborted('a', ended)], new AbortController().signal)).rejects.toMatchObject({
    code: 'part-ended',
    message: 'part "lease" ended before the process was asked to stop',
  });
});

test('an error while stopping that is not the echo of the abort is reported', async () => {
  const stop = new AbortController();
  const part: Part = {
    name: 'a',
    run: (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('flush failed')))),
  };
  const all = supervise([part], stop.signal);
  stop.abort();
  await expect(all).rejects.toMatchObject({ code: 'part-failed' });
});

test('a failure is reported after the grace even if another part does not end', async () => {
  const clock = createManualClock();
  const deaf: Part = { name: 'deaf', run: () => new Promise(() => {}) };
  const broken: Part = { name: 'broken', run: () => Promise.reject(new Error('boom')) };
  const failed = expect(
    supervise([deaf, broken], new AbortController().signal, { clock, graceMs: 100 }),
  ).rejects.toMatchObject({ code: 'part-failed' });
  await clock.advance(100);
  await failed;
});
