import type { StepCounter } from './steps.ts';

/** The bounds of the cost of work. */
export interface LinearCost {
  /** Makes the work for an input of this size; making it is not counted. */
  readonly of: (size: number) => () => unknown;
  /** Sizes to double. */
  readonly sizes: readonly number[];
  /** The largest input there may be, and the steps that it may take at most. */
  readonly largest: { readonly size: number; readonly steps: number };
}

/** Twice the input may take so many times the steps. */
const mostGrowth = 2.5;
/** Steps that are done once, whatever the input. */
const fixedSteps = 2_000;

/** The problems with the cost of work, each as a sentence: twice the input takes too much more, or the largest too much. */
export function costProblems(counter: StepCounter, { of, sizes, largest }: LinearCost): readonly string[] {
  const stepsOf = (size: number): number => counter.count(of(size));
  const growth = sizes.flatMap((size) => {
    const [once, twice] = [stepsOf(size), stepsOf(2 * size)];
    if (twice <= mostGrowth * once + fixedSteps) return [];
    return [`${size} takes ${once} steps, and twice as much ${twice}: ${(twice / once).toFixed(1)} times`];
  });
  const steps = growth.length > 0 ? 0 : stepsOf(largest.size);
  if (steps <= largest.steps) return growth;
  return [...growth, `${largest.size} takes ${steps} steps, at most ${largest.steps} are allowed`];
}
