import { expect, test } from '@jest/globals';
import { fuzz } from './fuzz.ts';
import { fuzzRaw } from './raw-fuzz.ts';

test('3,000 malformed conversations: none hangs, nothing refused is sent on, nothing is sent that may not be, all adds up', async () => {
  const { failures, accepted, forwarded, outcomes } = await fuzz({ count: 3000, seed: 20_260_101 });
  expect(failures).toEqual([]);
  // Both kinds were among them, or it would prove little.
  expect(forwarded).toBeGreaterThan(300);
  expect(outcomes['bad-request']).toBeGreaterThan(300);
  expect(accepted).toBeGreaterThan(1000);
}, 60_000);

test('100 raw conversations of any bytes: none hangs, each gets through as it is or not at all, all adds up', async () => {
  const { failures, accepted, joined, outcomes } = await fuzzRaw({ count: 100, seed: 20_260_101 });
  expect(failures).toEqual([]);
  expect(joined).toBeGreaterThan(25);
  expect(outcomes['bad-request']).toBeGreaterThan(2);
  expect(outcomes['client-gone']).toBeGreaterThan(5);
  expect(accepted).toBeGreaterThan(50);
});
