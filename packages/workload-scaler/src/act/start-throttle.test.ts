import { expect, test } from '@jest/globals';
import { resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { createStartThrottle } from './start-throttle.ts';

const ref = (key: string): ResourceRef => {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
};
const many = (namespace: string, count: number): ResourceRef[] =>
  Array.from({ length: count }, (_, i) => ref(`${namespace}/${i + 1}`));

function start(limit: number, namespaceLimit: number) {
  const clock = createFakeClock();
  const turns: string[] = [];
  const onStart = (one: ResourceRef): void => void turns.push(resourceKey(one));
  const startThrottle = createStartThrottle({ limit, namespaceLimit, clock, logger: silentLogger, onStart });
  return { clock, turns, startThrottle };
}

test('no more start at once than may, over all and in each namespace', () => {
  const { startThrottle, turns } = start(3, 2);
  startThrottle.open([...many('a', 5), ...many('b', 5)]);
  expect(turns).toEqual(['a/1', 'b/1', 'a/2']);
  expect(startThrottle.mayStart(ref('a/2'))).toBe(true);
  expect(startThrottle.mayStart(ref('a/3'))).toBe(false);
  startThrottle.look(ref('b/1'), 'starting');
  expect(turns).toHaveLength(3);
  startThrottle.look(ref('b/1'), 'up');
  expect(turns.slice(3)).toEqual(['b/2']);
  startThrottle.look(ref('b/2'), 'up');
  // Two of `a` start already.
  expect(turns.slice(4)).toEqual(['b/3']);
});

test("a namespace with few sleepers does not wait for another's crowd", () => {
  const { startThrottle, turns } = start(2, 2);
  startThrottle.open([...many('crowd', 100), ref('few/1'), ref('small/1')]);
  for (let i = 0; i < 2; i++) startThrottle.look(ref(turns[i] ?? ''), 'up');
  expect(turns.slice(0, 4)).toEqual(['crowd/1', 'few/1', 'small/1', 'crowd/2']);
});

test('one that never gets a ready pod leaves its place after a minute', async () => {
  const { startThrottle, turns, clock } = start(1, 1);
  startThrottle.open(many('a', 2));
  await clock.advance(59_999);
  expect(turns).toEqual(['a/1']);
  await clock.advance(1);
  expect(turns).toEqual(['a/1', 'a/2']);
});

test('a DLX that comes back stops it in the middle, and when it goes again the rest go on', () => {
  const { startThrottle, turns, clock } = start(2, 2);
  startThrottle.open(many('a', 4));
  startThrottle.close();
  expect(clock.pending).toEqual([]);
  startThrottle.look(ref('a/1'), 'up');
  startThrottle.look(ref('a/3'), 'asleep');
  expect(turns).toEqual(['a/1', 'a/2']);
  expect([1, 2, 3].map((n) => startThrottle.mayStart(ref(`a/${n}`)))).toEqual([false, false, false]);
  startThrottle.open([ref('a/3'), ref('a/4')]);
  expect(turns.slice(2)).toEqual(['a/3', 'a/4']);
});

test('one that falls asleep late gets its turn too, and one that another client starts needs none', () => {
  const { startThrottle, turns } = start(1, 1);
  startThrottle.open(many('a', 3));
  startThrottle.look(ref('a/2'), 'up');
  startThrottle.look(ref('b/late'), 'asleep');
  for (const key of ['a/1', 'a/3', 'b/late']) startThrottle.look(ref(key), 'up');
  expect(turns).toEqual(['a/1', 'a/3', 'b/late']);
});
