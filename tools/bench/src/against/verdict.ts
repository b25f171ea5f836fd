import { median } from '../statistics.ts';
import { type Interval, medianInterval } from './interval.ts';

/** One figure of both sides: the values of each pair stand at the same index. */
export interface Measured {
  readonly figure: string;
  readonly unit: string;
  readonly now: readonly number[];
  readonly before: readonly number[];
  /** Turns the ratio over, so that more than 1 is better always. */
  readonly lessIsBetter?: boolean;
  /** The bound of this tree's median, whatever the commit's is. */
  readonly atMost?: number;
}

/** The comparison of one figure of this tree with the commit's, over all pairs. More than 1 is better. */
export interface Comparison extends Pick<Measured, 'figure' | 'unit' | 'atMost'> {
  /** The interval of the median of the ratios within each pair. */
  readonly interval: Interval;
  readonly pairs: number;
  /** The median of each side, in `unit`. */
  readonly now: number;
  readonly before: number;
}

/**
 * `slower`: the whole interval is below the bound. `open`: the bound lies within it, so the report gives its width.
 * `over`: the figure itself is above its own bound.
 */
export type Standing = 'kept' | 'open' | 'slower' | 'over';

/** A change costs nothing when the interval's lower end is not below this. */
export const leastRatio = 0.97;

export function standingOf({ interval: { low, high }, now, atMost = Number.POSITIVE_INFINITY }: Comparison): Standing {
  if (now > atMost) return 'over';
  if (low >= leastRatio) return 'kept';
  return high < leastRatio ? 'slower' : 'open';
}

export function comparisonText(comparison: Comparison): string {
  const { figure, interval, pairs, now, before, unit, atMost } = comparison;
  const { median, low, high } = interval;
  const text = (value: number): string => value.toFixed(value >= 100 ? 0 : 2);
  const width = ((high - low) * 100).toFixed(1);
  const notes: Record<Standing, string> = {
    kept: 'ok',
    slower: 'SLOWER',
    open: `OPEN, ${width} % wide: more --rounds`,
    over: `OVER ${atMost} ${unit}`,
  };
  return (
    `${figure}: ${median.toFixed(3)} × (95 %: ${low.toFixed(3)} – ${high.toFixed(3)}, ${pairs} pairs), ` +
    `${text(now)} ${unit} beside ${text(before)} ${unit}: ${notes[standingOf(comparison)]}`
  );
}

/** Takes the ratio within each pair, and the interval of the median of these ratios. */
export function compare({ now, before, lessIsBetter = false, ...rest }: Measured): Comparison {
  const ratios = now.map((value, i) => {
    const ratio = value / (before[i] ?? Number.NaN);
    return lessIsBetter ? 1 / ratio : ratio;
  });
  return {
    ...rest,
    interval: medianInterval(ratios),
    pairs: ratios.length,
    now: median(now),
    before: median(before),
  };
}
