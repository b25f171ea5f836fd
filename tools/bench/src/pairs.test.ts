import { describe, expect, test } from '@jest/globals';
import { measureRounds, numbers, ratios, type Rounds } from './pairs.ts';

interface Sample {
  readonly measured: number;
  readonly disturbance: number;
}

/** Measures the given values, one after the other, and returns the order of the sides. */
async function measure(
  samples: readonly (number | Sample)[],
  { rounds, spare }: { rounds: number; spare: number },
): Promise<Rounds<number> & { readonly order: string; readonly disturbedRounds: readonly boolean[] }> {
  const left = [...samples];
  const [order, disturbedRounds]: [string[], boolean[]] = [[], []];
  const result = await measureRounds<number>({
    sides: ['a', 'b'],
    rounds,
    spare,
    tolerance: 0.05,
    async measure(side) {
      order.push(side);
      const next = left.shift();
      if (next === undefined) throw new Error('measured too often');
      return typeof next === 'number' ? { measured: next, disturbance: 0 } : next;
    },
    onRound: (_round, isDisturbed) => disturbedRounds.push(isDisturbed),
  });
  return { ...result, order: order.join(''), disturbedRounds };
}

const disturbed = (measured: number, disturbance: number): Sample => ({ measured, disturbance });

describe('rounds', () => {
  test('alternate, and every second one goes the other way round', async () => {
    const { order, kept } = await measure([1, 2, 3, 4, 5, 6], { rounds: 3, spare: 0 });
    expect(order).toBe('abbaab');
    expect(kept.map(({ sides }) => sides)).toEqual([
      { a: 1, b: 2 },
      { a: 4, b: 3 },
      { a: 5, b: 6 },
    ]);
  });

  test('are disturbed when one of their sides was, and are measured again', async () => {
    const {
      kept,
      dropped,
      disturbedRounds,
      disturbed: used,
    } = await measure([1, disturbed(2, 0.06), 3, 4, 5, 6], {
      rounds: 2,
      spare: 1,
    });
    expect(disturbedRounds).toEqual([true, false, false]);
    expect(dropped.map(({ sides }) => sides)).toEqual([{ a: 1, b: 2 }]);
    expect(numbers(kept, 'a', (value) => value)).toEqual([4, 5]);
    expect(used).toBe(0);
  });

  test('are not disturbed by as much as is tolerated', async () => {
    expect((await measure([disturbed(1, 0.05), 2], { rounds: 1, spare: 5 })).disturbedRounds).toEqual([false]);
  });

  test('that were disturbed the least make up the number once the spare ones are used up, and are counted', async () => {
    const samples = [disturbed(1, 0.5), 1, disturbed(2, 0.1), 2, 3, 3, disturbed(4, 0.9), 4];
    const { kept, dropped, disturbed: used } = await measure(samples, { rounds: 2, spare: 2 });
    expect(numbers(kept, 'a', (value) => value)).toEqual([2, 3]);
    expect([dropped.length, used]).toEqual([2, 1]);
  });
});

test('a ratio is taken within each round', async () => {
  const { kept } = await measure([10, 5, 1, 3], { rounds: 2, spare: 0 });
  expect(ratios(kept, 'a', 'b', (value) => value)).toEqual([2, 3]);
});

test('a side that was not measured has no number', async () => {
  const { kept } = await measure([10, 5], { rounds: 1, spare: 0 });
  expect(ratios(kept, 'a', 'c', (value) => value)).toEqual([Number.NaN]);
});
