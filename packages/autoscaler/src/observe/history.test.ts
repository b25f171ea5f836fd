import { expect, test } from '@jest/globals';
import { explain } from '../http/admin.ts';
import { createRing } from './history.ts';
import { aResource } from '../testing/facts.ts';

const web = aResource();

test('entries that differ in numbers alone are one, with the last reasons and how often', () => {
  const ring = createRing();
  ring.add(web, { what: 'stay', reasons: ['requests_per_1m is 3, above 0'] }, 0);
  ring.add(web, { what: 'stay', reasons: ['requests_per_1m is 2.5, above 0'] }, 10_000);
  ring.add(web, { what: 'park', reasons: ['requests_per_1m is 0, not above 0'] }, 20_000);
  expect(ring.of(web)).toEqual([
    expect.objectContaining({ what: 'park', times: 1 }),
    {
      what: 'stay',
      reasons: ['requests_per_1m is 2.5, above 0'],
      firstAt: '1970-01-01T00:00:00.000Z',
      lastAt: '1970-01-01T00:00:10.000Z',
      times: 2,
    },
  ]);
});

test('it keeps the newest, and only of resources that are there', () => {
  const ring = createRing(2);
  for (const reason of ['a', 'b', 'c']) ring.add(web, { what: 'stay', reasons: [reason] }, 0);
  expect(ring.of(web).map(({ reasons }) => reasons[0])).toEqual(['c', 'b']);
  ring.keepOnly([]);
  expect(ring.of(web)).toEqual([]);
});

test('the texts of an owner take no more than their share: the newest is kept whole, older ones as far as there is room', () => {
  const ring = createRing();
  for (let i = 0; i < 32; i++) {
    ring.add(
      web,
      { what: i % 2 === 0 ? 'stay' : 'park', reasons: Array.from({ length: 30 }, () => 'x'.repeat(200)) },
      i,
    );
  }
  expect(ring.of(web)).toHaveLength(2);
  ring.add(web, { what: 'stay', reasons: ['y'.repeat(20_000)] }, 32);
  expect(ring.of(web).map(({ reasons }) => reasons.join('').length)).toEqual([20_000]);
});

test('the explanation is one sentence: the state, the reason, and since when', () => {
  const ring = createRing();
  expect(explain(web, [], true)).toBe('default/web is awake; nothing was decided about it yet.');
  expect(explain(web, [], false)).toBe('default/web is awake; another replica decides about it.');
  ring.add(web, { what: 'stay', reasons: ['requests_per_1m is 3, above 0'] }, 0);
  ring.add(web, { what: 'stay', reasons: ['requests_per_1m is 4, above 0'] }, 10_000);
  expect(explain(web, ring.of(web), true)).toBe(
    'default/web is awake; it is left as it is: requests_per_1m is 4, above 0 (2 ticks in a row since 1970-01-01T00:00:00.000Z).',
  );
});
