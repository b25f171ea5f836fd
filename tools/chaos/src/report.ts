import { createCounts } from './counts.ts';

/** The result of some episodes. */
export interface Tally {
  readonly steps: number;
  /** Milliseconds of the product's time. */
  readonly productMs: number;
  /** CPU time of this process, and of those that it started. */
  readonly cpuMs: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Prints the counts of a run: they show that it exercised the product. */
export function printTally({ steps, productMs, cpuMs, counts }: Tally, tookMs: number): void {
  for (const what of Object.keys(counts).sort()) {
    if (what !== '') console.log(`${String(counts[what]).padStart(8)}  ${what}`);
  }
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  console.log(
    `${seconds(tookMs)} s (${seconds(cpuMs)} s of CPU), ${((steps * 1_000) / tookMs).toFixed(1)} steps/s, ${seconds(productMs)} s of simulated time`,
  );
}

export function sum(tallies: readonly Tally[]): Tally {
  const counts = createCounts();
  for (const tally of tallies) for (const [what, times] of Object.entries(tally.counts)) counts.add(what, times);
  const total = (of: (tally: Tally) => number): number => tallies.reduce((all, tally) => all + of(tally), 0);
  return {
    steps: total(({ steps }) => steps),
    productMs: total(({ productMs }) => productMs),
    cpuMs: total(({ cpuMs }) => cpuMs),
    counts: counts.all,
  };
}
