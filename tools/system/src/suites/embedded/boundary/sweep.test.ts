import { describe, expect, test } from '@jest/globals';
import { createRandom } from '@scaler/chaos';
import { type Aim, createSweep } from './sweep.ts';
import { type Mode, modes } from '../fleet/workload.ts';

const times = { windowMs: 250, settleMs: 300 };

function aimsFor(mode: Mode, seed: number, cancelled: boolean): Aim[] {
  const sweep = createSweep(mode, times, createRandom(seed).next);
  return Array.from({ length: 120 }, () => sweep.next(cancelled));
}

const textOf = ({ anchor, fromMs }: Aim): string => `${anchor} ${fromMs}`;

describe.each(modes)('the sweep of %s', (mode) => {
  test('aims at every step about as often as at any other', () => {
    const aims = aimsFor(mode, 1, false);
    const counts = Object.values(Object.groupBy(aims, textOf)).map((group) => group?.length ?? 0);
    expect(Math.min(...counts) * 3).toBeGreaterThan(Math.max(...counts));
    expect(aims.map(({ anchor }) => anchor)).toEqual(
      expect.arrayContaining(['idle', 'parking:arrived', 'parking:done', 'asleep:arrived']),
    );
  });

  test('lets a park complete after one that was cancelled, or the next would take long to begin', () => {
    expect(new Set(aimsFor(mode, 1, true).map(({ anchor }) => anchor))).toEqual(new Set(['asleep:done']));
  });
});

test('the same seed gives the same sweep, another one another', () => {
  const texts = (seed: number): string => aimsFor('selector', seed, false).map(textOf).join();
  expect(texts(1)).toBe(texts(1));
  expect(texts(1)).not.toBe(texts(2));
});
