import { numbers, type Round } from '../pairs.ts';
import { compare, type Comparison, type Measured } from './verdict.ts';

/** This tree, and the other commit's. */
export const sides = ['now', 'before'] as const;

export type Side = (typeof sides)[number];

/** Compares one number of both trees over all pairs. */
export function comparisonOf<M>(
  figure: string,
  unit: string,
  rounds: readonly Round<M>[],
  number: (measured: M) => number,
  judged: Pick<Measured, 'lessIsBetter' | 'atMost'> = {},
): Comparison {
  return compare({
    ...{ figure, unit, ...judged },
    now: numbers(rounds, 'now', number),
    before: numbers(rounds, 'before', number),
  });
}

/** A side that lost requests cannot be compared. */
export function failOn<M>(rounds: readonly Round<M>[], count: (measured: M) => number, what: string): void {
  for (const { sides: found } of rounds) {
    for (const [side, measured] of Object.entries(found)) {
      if (count(measured) > 0) throw new Error(`${side}: ${count(measured)} ${what}`);
    }
  }
}
