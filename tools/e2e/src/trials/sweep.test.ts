import { describe, expect, test } from '@jest/globals';
import { createRandom } from './random.ts';
import { type Aim, sweepOf } from './sweep.ts';
import { type Mode, modes } from './workload.ts';

const times = { windowMs: 250, settleMs: 300 };

function aimsFor(mode: Mode, seed: number, count: number): Aim[] {
  const sweep = sweepOf(mode, times, createRandom(seed));
  return Array.from({ length: count }, () => sweep.next().value);
}

const textOf = ({ anchor, fromMs }: Aim): string => `${anchor} ${fromMs}`;

describe.each(modes)('the sweep of %s', (mode) => {
  const aims = aimsFor(mode, 1, 200);

  test('aims at every step about as often as at any other', () => {
    const counts = Object.values(Object.groupBy(aims, textOf)).map((group) => group?.length ?? 0);
    expect(Math.min(...counts) * 4).toBeGreaterThan(Math.max(...counts));
    expect(aims.map(({ anchor }) => anchor)).toEqual(
      expect.arrayContaining(['idle', 'parking:arrived', 'parking:done', 'asleep:arrived', 'asleep:done']),
    );
  });

  test('never has so many aims in a row that cancel a park that the next one is long in coming', () => {
    const runs = aims
      .map(({ anchor }) => (anchor.startsWith('asleep') ? ' ' : 'x'))
      .join('')
      .split(' ');
    expect(Math.max(...runs.map((run) => run.length))).toBeLessThanOrEqual(4);
  });
});

test('the same seed gives the same sweep, another one another', () => {
  const texts = (seed: number): string => aimsFor('selector', seed, 50).map(textOf).join();
  expect(texts(1)).toBe(texts(1));
  expect(texts(1)).not.toBe(texts(2));
});
