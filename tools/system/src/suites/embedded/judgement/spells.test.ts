import { expect, test } from '@jest/globals';
import { Usage } from './spells.ts';

test('a spell lasts from the end of the last request to the next, and knows the first park in it', () => {
  const usage = new Usage(60_000);
  usage.begin(0);
  usage.begin(1_000);
  usage.end(2_000, 2_000);
  usage.parkBegins(3_000);
  usage.end(90_000, 89_000);
  usage.parkBegins(150_000);
  usage.parkBegins(160_000);
  usage.close(200_000);
  expect(usage.parkedInUse).toBe(1);
  expect(usage.spells).toEqual([{ fromMs: 90_000, toMs: 200_000, afterLong: true, parkedMs: 150_000 }]);
});
