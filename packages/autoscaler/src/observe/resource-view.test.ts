import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { Resource, ResourceChange } from '@scaler/scaler-types';
import { createFakeClock, recordingLogger } from '@scaler/testing-kit';
import { scalerLimits } from '@scaler/runtime';
import { aResource } from '../testing/facts.ts';
import { viewOf } from '../testing/view-of.ts';

const signal = new AbortController().signal;

test('a scaler that cannot watch is listed until it has worked once, then at each refresh', async () => {
  const clock = createFakeClock();
  const answers: (Error | readonly Resource[])[] = [new Error('not yet'), [aResource()], []];
  const getResources = () => {
    const next = answers.shift();
    return next instanceof Error || !next ? Promise.reject(next as Error) : Promise.resolve(next);
  };
  const view = viewOf({ getResources }, clock, { retryMs: 50 });
  const stop = new AbortController();
  const running = view.run(stop.signal);
  await clock.advance(50);
  await view.whenSynced(signal);
  expect(view.list()).toHaveLength(1);
  const gone: string[] = [];
  view.onChange(({ name }) => gone.push(name));
  await view.refresh(signal);
  expect({ gone, left: view.list() }).toEqual({ gone: ['web'], left: [] });
  stop.abort();
  await running;
});

test('a list that hangs is given up for now, makes resources stale, and not begun a second time', async () => {
  const clock = createFakeClock();
  let calls = 0;
  let answer = Promise.resolve<readonly Resource[]>([aResource()]);
  const getResources = () => {
    calls += 1;
    return answer;
  };
  const view = viewOf({ getResources }, clock, { retryMs: 50 });
  await view.refresh(signal);
  const hanging = Promise.withResolvers<readonly Resource[]>();
  answer = hanging.promise;
  for (let i = 0; i < 2; i++) {
    const refreshing = view.refresh(signal);
    await clock.advance(scalerLimits.getResources);
    await refreshing;
  }
  expect(calls).toBe(2);
  expect(view.staleReasons().get('default/web')).toContain(
    'the scaler @acme/x: getResources did not answer within 30 s',
  );
  hanging.resolve([]);
  await view.refresh(signal);
  expect(view.list()).toEqual([]);
});

test('a watch that ends is begun again, its resources are stale until synced, and then those that it did not send are gone', async () => {
  const clock = createFakeClock();
  const ends: (() => void)[] = [];
  let send: (change: ResourceChange) => void = () => undefined;
  const scaler = {
    watchResources: (listener: (change: ResourceChange) => void) => {
      send = listener;
      return new Promise<void>((resolve) => ends.push(resolve));
    },
    isStale: ({ name }: { name: string }) => name === 'silent',
  };
  const view = viewOf(scaler, clock, { retryMs: 50 });
  const stop = new AbortController();
  const running = view.run(stop.signal);
  send({ type: 'set', resource: aResource() });
  send({ type: 'set', resource: aResource({ name: 'silent' }) });
  send({ type: 'synced' });
  expect([...view.staleReasons()]).toEqual([['default/silent', 'the scaler has not heard of it for too long']]);
  ends[0]?.();
  await turn();
  expect(view.staleReasons().get('default/web')).toBe('the watch of the resources has ended');
  await clock.advance(50);
  expect(ends).toHaveLength(2);
  send({ type: 'set', resource: aResource() });
  expect(view.list()).toHaveLength(2);
  send({ type: 'synced' });
  expect(view.list().map(({ name }) => name)).toEqual(['web']);
  expect(view.staleReasons().has('default/web')).toBe(false);
  stop.abort();
  ends[1]?.();
  await running;
});

test('a list that fails again and again is logged once when it begins, and once when it has ended', async () => {
  const clock = createFakeClock();
  const logger = recordingLogger();
  let answer: Error | readonly Resource[] = [];
  const getResources = () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer));
  const view = viewOf({ getResources }, clock, { retryMs: 50, logger });
  await view.refresh(signal);
  answer = new Error('forbidden');
  for (let i = 0; i < 5; i++) await view.refresh(signal);
  answer = [];
  for (let i = 0; i < 5; i++) await view.refresh(signal);
  const messages = logger.lines.map(({ message }) => message).filter((message) => message.includes('resources'));
  expect(messages).toEqual(['the scaler cannot list its resources', 'the scaler lists its resources again']);
});
