import { expect, test } from '@jest/globals';
import { CountedFleet } from './counted-fleet.ts';

test('each app has a request every 40 s until all fall idle, whatever becomes of its counter', () => {
  const fleet = new CountedFleet(1, () => 0);
  const [name = ''] = fleet.names;
  expect(fleet.requests(name, 100_000, 60_000)).toBe(1);
  expect(fleet.counter(name, 100_000) - fleet.counter(name, 0)).toBe(2);
  fleet.resetMs = 100_000;
  expect([fleet.counter(name, 100_000), fleet.counter(name, 125_000)]).toEqual([0, 1]);
  fleet.idleFromMs = 130_000;
  expect(fleet.requests(name, 190_000, 60_000)).toBe(0);
  expect(fleet.counter(name, 300_000)).toBe(1);
});
