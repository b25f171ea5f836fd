import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import type { Decision } from '../decide/decide.ts';
import { aResource } from '../testing/facts.ts';
import type { ParkResult } from './park.ts';
import { createParks } from './parks.ts';

const parked: ParkResult = { end: 'parked', reason: 'parked', terminal: false };

function stage(limit: number) {
  const clock = createFakeClock();
  const stop = new AbortController();
  const ends = new Map<string, () => void>();
  const ended: string[] = [];
  const parks = createParks({
    limit,
    clock,
    signal: stop.signal,
    park: ({ namespace, name }) => new Promise((resolve) => ends.set(`${namespace}/${name}`, () => resolve(parked))),
    onBegin: () => {},
    onEnd: ({ namespace, name }) => void ended.push(`${namespace}/${name}`),
  });
  return {
    ...{ clock, ended, parks },
    offer: (...keys: string[]) => parks.offer(keys.map(decision)),
    running: () => [...parks.running].sort(),
    /** Ends one that runs. */
    end: async (key: string): Promise<void> => {
      ends.get(key)?.();
      ends.delete(key);
      await clock.advance(0);
    },
    /** Ends all that run but those of a namespace. */
    endOthers: async (namespace: string): Promise<void> => {
      for (const key of [...ends.keys()].filter((one) => !one.startsWith(`${namespace}/`))) {
        ends.get(key)?.();
        ends.delete(key);
      }
      await clock.advance(0);
    },
  };
}

function decision(key: string): Decision {
  const [namespace = '', name = ''] = key.split('/');
  return { resource: aResource({ namespace, name }), action: 'park', reasons: ['idle'] } as unknown as Decision;
}

const many = (namespace: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${namespace}/${String(i).padStart(3, '0')}`);

test('a namespace alone takes half of the places, and another namespace finds one', async () => {
  const { offer, running, clock } = stage(8);
  offer(...many('a', 100));
  await clock.advance(0);
  expect(running()).toEqual(many('a', 4));
  offer(...many('a', 100), ...many('b', 100), ...many('c', 1));
  await clock.advance(0);
  expect(running()).toEqual([...many('a', 4), ...many('b', 2), ...many('c', 1)]);
});

test('four workloads that settle for ever hold up none of twenty others', async () => {
  const { offer, running, endOthers, ended, clock } = stage(8);
  const others = Array.from({ length: 20 }, (_, i) => `tenant-${i}/web`);
  offer(...many('evil', 4), ...others);
  await clock.advance(0);
  for (let i = 0; i < 5; i++) await endOthers('evil');
  expect([...ended].sort()).toEqual([...others].sort());
  expect(running()).toEqual(many('evil', 4));
});

test('a park that takes longer than a minute leaves its place, and goes on', async () => {
  const { offer, running, end, clock, ended } = stage(2);
  offer('evil/slow', 'evil/next');
  await clock.advance(59_999);
  expect(running()).toEqual(['evil/slow']);
  await clock.advance(1);
  expect(running()).toEqual(['evil/next', 'evil/slow']);
  await end('evil/slow');
  expect([ended, running()]).toEqual([['evil/slow'], ['evil/next']]);
  // Its place is not given up twice.
  offer('a/web', 'b/web');
  await clock.advance(0);
  expect(running()).toEqual(['a/web', 'evil/next']);
});

test('a thousand that never end are no more than some, and others are parked meanwhile', async () => {
  const { offer, running, end, clock } = stage(4);
  for (let i = 0; i < 200; i++) {
    offer(...many('evil', 1000));
    await clock.advance(60_000);
  }
  expect(running().length).toBeLessThanOrEqual(4 * 64);
  offer(...many('evil', 1000), 'good/web');
  await clock.advance(0);
  expect(running()).toContain('good/web');
  await end('good/web');
  expect(running()).not.toContain('good/web');
});

test('a place for one alone is given in turn', async () => {
  const { offer, running, end, clock } = stage(1);
  offer('a/1', 'a/2', 'b/1');
  await clock.advance(0);
  expect(running()).toEqual(['a/1']);
  await end('a/1');
  expect(running()).toEqual(['a/2']);
});
