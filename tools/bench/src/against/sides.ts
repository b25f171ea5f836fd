import { measureRounds, numbers, type Round, type RoundsOptions } from '../pairs.ts';
import type { AgainstRun } from '../scenario.ts';
import { tolerance } from '../throughput/window.ts';
import { compare, type Comparison, type Measured } from './verdict.ts';

/** This tree, and the other commit's. */
export const sides = ['now', 'before'] as const;

export type Side = (typeof sides)[number];

export interface PairsOptions<M> extends Pick<RoundsOptions<M>, 'rounds' | 'spare' | 'measure'> {
  /** What is measured in each round. Default: both trees. */
  readonly sides?: readonly string[];
  /** A line of progress for one side of a round. */
  text(measured: M): string;
}

/** Measures both trees in alternation, and says each pair. */
export async function measurePairs<M>(
  { log }: AgainstRun,
  { text, ...options }: PairsOptions<M>,
): Promise<readonly Round<M>[]> {
  const { kept } = await measureRounds<M>({
    sides,
    ...options,
    tolerance,
    onRound({ sides: found, disturbance }, isDisturbed) {
      const texts = Object.entries(found).map(([side, measured]) => `${side} ${text(measured)}`);
      const others = `others ${(disturbance * 100).toFixed(1)} %`;
      log(`${texts.join(' · ')} · ${others}${isDisturbed ? ', disturbed' : ''}`);
    },
  });
  return kept;
}

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
