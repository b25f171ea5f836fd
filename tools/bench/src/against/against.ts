import { root } from '../processes/child.ts';
import { scenarios } from '../scenarios.ts';
import { buildCommit } from './built-commit.ts';
import { comparisonText, standingOf } from './verdict.ts';

/** Pairs of each scenario, at least. */
export const leastPairs = 20;

export interface AgainstOptions {
  readonly commit: string;
  /** Of {@link comparable}; empty: all. */
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly pairs: number;
  log(line: string): void;
}

/** The scenarios that can be run against another commit. */
export const comparable: readonly string[] = scenarios.filter(({ against }) => against).map(({ name }) => name);

/**
 * Builds another commit and measures this tree beside it: the rounds alternate, each gives one ratio.
 *
 * @returns the process's exit code: 1 when a figure is certainly slower than the commit's, or over its bound.
 */
export async function runAgainst({ commit: name, names, quick, pairs, log }: AgainstOptions): Promise<number> {
  await using built = await buildCommit(name, log);
  const trees = { now: root, before: built.folder };
  let worse = 0;
  for (const { name: scenario, against } of scenarios) {
    if (against === undefined || (names.length > 0 && !names.includes(scenario))) continue;
    log(`\n=== ${scenario}: this tree beside ${built.commit.slice(0, 9)}`);
    for (const comparison of await against({ trees, quick, pairs, log: (line) => log(`  ${line}`) })) {
      log(comparisonText(comparison));
      if (['slower', 'over'].includes(standingOf(comparison))) worse += 1;
    }
  }
  return worse > 0 ? 1 : 0;
}
