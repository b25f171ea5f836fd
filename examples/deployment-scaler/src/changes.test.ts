import { expect, test } from '@jest/globals';
import type { Resource } from '@scaler/scaler-types';
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
  changes.tell(({ type }) => void told.push(type), [ref], new AbortController().signal);
  told.length = 0;
  return { clock, now, told, changes };
}

test('a workload that moves from one watch to another is not told as removed', async () => {
  const { clock, now, told, changes } = follow();
  now.resource = undefined;
  changes.lookAgain(ref);
  await clock.advance(900);
  now.resource = web;
  changes.lookAgain(ref);
  await clock.advance(5_000);
  expect(told).toEqual([]);
});

test('one that is gone is, a moment later', async () => {
  const { clock, now, told, changes } = follow();
  now.resource = undefined;
  changes.lookAgain(ref);
  await clock.advance(1_000);
  expect(told).toEqual(['removed']);
});

test('while a watch does not work nothing is taken for gone: it may be what that watch would tell of', async () => {
  const { clock, now, told, changes } = follow();
  Object.assign(now, { resource: undefined, blind: true });
  changes.lookAgain(ref);
  await clock.advance(60_000);
  expect(told).toEqual([]);
  now.blind = false;
  await clock.advance(2_000);
  expect(told).toEqual(['removed']);
});
