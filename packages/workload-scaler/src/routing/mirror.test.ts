import { describe, expect, test } from '@jest/globals';
import { trimSlice } from './slices.ts';
import { createFakeClock } from '@scaler/testing-kit';
import { createMemory } from '../cache/memory.ts';
import { mirrorDelay, type MirrorFacts } from './mirror.ts';

const labels = { 'endpointslice.kubernetes.io/managed-by': 'scaler' };

/** What is due at each time, and when it is looked at again. */
function mirrorOf() {
  const clock = createFakeClock();
  const again: number[] = [];
  const memory = createMemory(clock);
  const facts: MirrorFacts = {
    ...{ key: 'shop/web', all: [], slices: 'outdated', urgency: 'soon' },
    ...{ starting: false, listed: ['a', 'b'] },
  };
  return {
    again,
    at: async (ms: number, changes: Partial<MirrorFacts> & { version?: string } = {}): Promise<boolean> => {
      await clock.advance(ms - clock.monotonic());
      const { version = '1', ...rest } = changes;
      const slice = trimSlice({ addressType: 'IPv4', endpoints: [], metadata: { labels, resourceVersion: version } });
      const { leftMs, seen } = mirrorDelay(memory, { ...facts, all: [slice], ...rest });
      for (const [key, value] of seen) memory.observe(key, value);
      if (leftMs > 0) again.push(leftMs);
      return leftMs === 0;
    },
  };
}

describe('outdated slices', () => {
  test('are written a second after the last change, so that changes close together are one write', async () => {
    const mirror = mirrorOf();
    expect(await mirror.at(0)).toBe(false);
    expect(await mirror.at(800, { listed: ['a', 'b', 'c'] })).toBe(false);
    expect(await mirror.at(1_700, { listed: ['a', 'b', 'c'] })).toBe(false);
    expect(mirror.again).toEqual([1_000, 1_000, 100]);
    expect(await mirror.at(1_800, { listed: ['a', 'b', 'c'] })).toBe(true);
  });

  test('wait for further changes no longer than three seconds in all', async () => {
    const mirror = mirrorOf();
    for (const ms of [0, 700, 1_400, 2_100, 2_800])
      expect(await mirror.at(ms, { listed: [`after ${ms}`] })).toBe(false);
    expect(mirror.again.at(-1)).toBe(200);
    expect(await mirror.at(3_000, { listed: ['after 3000'] })).toBe(true);
  });

  test('wait as long for a DLX that is about to come: the others of a rollout', async () => {
    const mirror = mirrorOf();
    for (const ms of [0, 1_000, 2_500]) expect(await mirror.at(ms, { starting: true })).toBe(false);
    expect(await mirror.at(2_600)).toBe(true);
    const other = mirrorOf();
    await other.at(0, { starting: true });
    expect(await other.at(3_000, { starting: true })).toBe(true);
  });

  test('wait anew once they were written', async () => {
    const mirror = mirrorOf();
    await mirror.at(0);
    expect(await mirror.at(1_000)).toBe(true);
    expect(await mirror.at(2_100, { version: '2', slices: 'whole', urgency: 'none' })).toBe(true);
    expect(await mirror.at(9_000, { version: '2', listed: ['a'] })).toBe(false);
    expect(mirror.again).toEqual([1_000, 1_000]);
  });

  test('wait for nothing where they name an address that is gone', async () => {
    const mirror = mirrorOf();
    expect(await mirror.at(0, { urgency: 'now' })).toBe(true);
    expect(mirror.again).toEqual([]);
  });
});
