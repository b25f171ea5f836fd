import { expect, test } from '@jest/globals';
import type { Resource, ResourceChange } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { createChanges } from './changes.ts';

const ref = { namespace: 'shop', name: 'web' };
const web: Resource = { ...ref, scaleResources: [], targets: [] };

function follow() {
  const clock = createFakeClock();
  const now: { resource: Resource | undefined; blind: boolean } = { resource: web, blind: false };
  const told: string[] = [];
  const changes = createChanges(
    clock,
    'dlx',
    () => ({ resource: now.resource, due: false }),
    () => now.blind,
  );
  changes.publish(({ type }) => void told.push(type), [ref], new AbortController().signal);
  told.length = 0;
  return { clock, now, told, changes };
}

test('a workload that moves from one watch to another is not published as removed', async () => {
  const { clock, now, told, changes } = follow();
  now.resource = undefined;
  changes.enqueue(ref);
  await clock.advance(900);
  now.resource = web;
  changes.enqueue(ref);
  await clock.advance(5_000);
  expect(told).toEqual([]);
});

test('one that is gone is, a moment later', async () => {
  const { clock, now, told, changes } = follow();
  now.resource = undefined;
  changes.enqueue(ref);
  await clock.advance(1_000);
  expect(told).toEqual(['removed']);
});

test('while a watch does not work nothing is taken for gone: it may be what that watch would tell of', async () => {
  const { clock, now, told, changes } = follow();
  Object.assign(now, { resource: undefined, blind: true });
  changes.enqueue(ref);
  await clock.advance(60_000);
  expect(told).toEqual([]);
  now.blind = false;
  await clock.advance(2_000);
  expect(told).toEqual(['removed']);
});

test('looks that take long leave room for those at other namespaces, and none is left out', async () => {
  const clock = createFakeClock();
  const slow = Array.from({ length: 20 }, (_, i) => ({ namespace: 'slow', name: `w${i}` }));
  let takesMs = 0;
  let round = 0;
  const changes = createChanges(
    { ...clock, monotonic: () => clock.monotonic() + takesMs },
    'dlx',
    ({ namespace, name }) => {
      if (namespace === 'slow') takesMs += 10;
      return { resource: { ...web, namespace, name, updatedMs: round }, due: false };
    },
    () => false,
  );
  const told: string[] = [];
  const tell = (change: ResourceChange): void => {
    if (change.type === 'set') told.push(`${change.resource.namespace}/${change.resource.name}`);
  };
  changes.publish(tell, [ref, ...slow], new AbortController().signal);
  [round, told.length] = [1, 0];
  for (const one of slow) changes.enqueue(one);
  changes.enqueue(ref);
  // Three times ten milliseconds are more than twenty; the others wait, the other namespace does not.
  expect(told).toEqual(['slow/w0', 'slow/w1', 'slow/w2', 'shop/web']);
  for (let i = 0; i < 40; i++) await clock.advance(50);
  expect(new Set(told).size).toBe(21);
  expect(told.length).toBe(21);
});
