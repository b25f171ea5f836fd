import { median } from '../statistics.ts';

/** The interval in which the median of the population lies, with a confidence of at least 95 %. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const confidence = 0.95;

/**
 * The order-statistic interval of a median: it assumes no distribution of the noise of a shared machine,
 * so that one bad pair moves it by one rank at most.
 *
 * @param values at least 6 numbers: fewer cannot give 95 %.
 */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  const cut = ranksOutside(count);
  if (cut < 1) throw new Error(`${count} values give no interval of 95 %: at least 6 are needed`);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: median(sorted), low: at(cut - 1), high: at(count - cut) };
}

/** How many ranks may be left out at each end: the binomial tail stays within half of the remaining 5 %. */
function ranksOutside(count: number): number {
  let term = 0.5 ** count;
  let tail = term;
  let ranks = 0;
  while (tail <= (1 - confidence) / 2) {
    ranks += 1;
    term *= (count - ranks + 1) / ranks;
    tail += term;
  }
  return ranks;
}
