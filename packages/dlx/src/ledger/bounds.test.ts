import { expect, test } from '@jest/globals';
import { readHead } from '../head/head.ts';
import { heldBytesOf, type Load, overflowOf, pipelinedBytesOf } from './ledger.ts';

const bounds = { holdLimitTotal: 20_000, holdBytesTotal: 1_000_000 };

/** How many each of some noisy ones gets, taking one in turn; and whether another one gets any. */
function shares(noisy: number, bytes: number): { each: number[]; room: boolean } {
  const all: Load = { held: 0, heldBytes: 0 };
  const loads = Array.from({ length: noisy }, () => ({ held: 0, heldBytes: 0 }));
  for (let more = true; more;) {
    more = false;
    for (const load of loads) {
      if (overflowOf(load, [all], bytes, bounds) !== undefined) continue;
      for (const one of [load, all]) {
        one.held += 1;
        one.heldBytes += bytes;
      }
      more = true;
    }
  }
  const room = overflowOf({ held: 0, heldBytes: 0 }, [all], bytes, bounds) === undefined;
  return { each: loads.map(({ held }) => held), room };
}

test('no resource takes more than is still free: one alone gets half, two a third each, and another finds room', () => {
  expect(shares(1, 0)).toEqual({ each: [10_000], room: true });
  expect(shares(2, 0)).toEqual({ each: [6667, 6667], room: true });
  expect(shares(9, 0).each.every((held) => held === 2000)).toBe(true);
});

test('bytes are shared likewise', () => {
  expect(shares(1, 1000)).toEqual({ each: [500], room: true });
  expect(shares(3, 1000)).toEqual({ each: [250, 250, 250], room: true });
});

test('the answer says what is full', () => {
  const empty = { held: 0, heldBytes: 0 };
  expect(overflowOf(empty, [{ held: 20_000, heldBytes: 0 }], 1, bounds)).toBe('20000 requests are held already');
  expect(overflowOf(empty, [{ held: 1, heldBytes: 999_999 }], 2, bounds)).toBe('999999 bytes are held already');
  const noisy = { held: 10, heldBytes: 600_000 };
  expect(overflowOf(noisy, [noisy], 1, bounds)).toBe('holds its share already: 600000 bytes, with 400000 left for all');
});

test('a request counts as its connection, its head by fields and characters, and what may have been read of its body', () => {
  const asked = (url: string, ...raw: string[]) => ({ url, head: readHead(raw, 'x-scaler-target') });
  expect(heldBytesOf(asked('/', 'host', 'web'))).toBe(16_384 + 96 + 7 + 1);
  expect(heldBytesOf(asked(`/${'a'.repeat(60_000)}`, 'host', 'web'))).toBe(16_384 + 96 + 7 + 60_001);
  expect(heldBytesOf(asked('/', 'content-length', '5'))).toBe(16_384 + 96 + 15 + 1 + 5);
  expect(heldBytesOf(asked('/', 'content-length', '99999999999'))).toBe(16_384 + 96 + 25 + 1 + 131_072);
  expect(heldBytesOf(asked('/', 'transfer-encoding', 'chunked'))).toBe(16_384 + 96 + 24 + 1 + 131_072);
  expect(pipelinedBytesOf(asked('/', 'host', 'web'))).toBe(2048 + 96 + 7 + 1);
  // Fields that are not passed on are kept all the same.
  const dropped = Array<string[]>(1000).fill(['keep-alive', 'x']).flat();
  expect(heldBytesOf(asked('/', ...dropped))).toBe(16_384 + 1000 * (96 + 11) + 1);
});
