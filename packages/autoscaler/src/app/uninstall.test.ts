import { expect, test } from '@jest/globals';
import type { Phase, Resource, ResourceScaler, ScaleResult } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { aResource } from '../testing/facts.ts';
import { handBack, type HandBackParts } from './uninstall.ts';

const signal = new AbortController().signal;

/** Runs it while the clock is moved on. */
async function run(scaler: HandBackParts['scaler'], limitMs = 60_000): Promise<void> {
  const clock = createFakeClock();
  let over = false;
  const running = handBack({ scaler, clock, logger: silentLogger, limitMs }, signal).finally(() => (over = true));
  running.catch(() => undefined);
  while (!over) {
    await clock.advance(500);
    await new Promise(setImmediate);
  }
  await running;
}

const nothingElse = { setScale: () => Promise.reject(new Error('not to be called')) };

test('it reconciles everything until the scaler has listed nothing twice', async () => {
  const left: Resource[][] = [
    [aResource({ phase: 'asleep' })],
    [aResource({ phase: 'waking' })],
    [],
    [aResource()],
    [],
  ];
  const asked: unknown[] = [];
  const getResources = () => Promise.resolve(left.shift() ?? []);
  const reconcile: ResourceScaler['reconcile'] = (refs) => (asked.push(refs), Promise.resolve([]));
  await run({ ...nothingElse, getResources, reconcile });
  expect(left).toEqual([]);
  expect(asked.length).toBeGreaterThanOrEqual(5);
  expect(asked.every((refs) => Array.isArray(refs) && refs.length === 0)).toBe(true);
});

test('resources that are left at the end of the time are named', async () => {
  const web = aResource({ phase: 'waking' });
  const failed: ScaleResult = { resource: web, ok: false, error: new Error('quota') };
  const scaler = {
    ...nothingElse,
    getResources: () => Promise.resolve([web]),
    reconcile: () => Promise.resolve([failed]),
  };
  await expect(run(scaler, 5_000)).rejects.toMatchObject({
    code: 'not-handed-back',
    message: expect.stringContaining(`${web.namespace}/${web.name}`),
  });
});

test('a scaler without reconcile is asked to scale what is not awake', async () => {
  let phase: Phase = 'asleep';
  const scaled: number[] = [];
  const setScale: ResourceScaler['setScale'] = ([resource = aResource()], scale) => {
    if (phase === 'asleep') scaled.push(scale);
    phase = 'awake';
    return Promise.resolve([{ resource, ok: true }]);
  };
  await run({ getResources: () => Promise.resolve([aResource({ phase })]), setScale });
  expect(scaled).toEqual([1]);
});
