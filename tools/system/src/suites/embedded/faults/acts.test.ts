import { expect, test } from '@jest/globals';
import { type Act, overlapOf } from './acts.ts';

/** `a.web`: process a, which holds the Lease, writes to web; `b!web`: process b writes without the Lease. */
const acts = (...short: string[]): Act[] =>
  short.map((text) => {
    const process = text.charAt(0);
    return { process, holder: text.charAt(1) === '!' ? 'x' : process, resource: text.slice(2), atMs: 0 };
  });

test('two processes write one after the other to a resource that is handed over once', () => {
  const overlap = overlapOf(acts('a.web', 'a.shop', 'a.web', 'b.web', 'b.web', 'b.other'));
  expect(overlap).toEqual({ handedOver: 1, contested: [], withoutLease: 0 });
});

test('a write after the next process has begun counts, and so does one without the Lease', () => {
  const overlap = overlapOf(acts('a.web', 'b.web', 'a!web', 'a.shop', 'b!shop'));
  expect(overlap).toEqual({ handedOver: 1, contested: ['web'], withoutLease: 2 });
});
