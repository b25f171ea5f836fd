import { checkOut } from '@scaler/command';
import { root } from '../processes/child.ts';
import { scenarios } from '../scenarios.ts';
import { comparisonText, standingOf } from './verdict.ts';

/** Pairs of each scenario, at least. */
export const leastPairs = 20;

/** The programs that are compared: both apps, and the default scaler, which they load by its name. */
const projects = ['@scaler/dlx', '@scaler/autoscaler', '@scaler/deployment-scaler'];

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
 * @throws Error with the output of git, npm or the build.
 * @returns the process's exit code: 1 when a figure is certainly slower than the commit's, or over its bound.
 */
export async function runAgainst({ commit: name, names, quick, pairs, log }: AgainstOptions): Promise<number> {
  await using other = await checkOut(root, name);
  const commit = other.commit.slice(0, 9);
  log(`building ${commit}`);
  await other.run('npx', 'nx', 'run-many', '-t', 'build', '-p', projects.join(), '--output-style=static');
  const trees = { now: root, before: other.folder };
  let worse = 0;
  for (const { name: scenario, against } of scenarios) {
    if (against === undefined || (names.length > 0 && !names.includes(scenario))) continue;
    log(`\n=== ${scenario}: this tree beside ${commit}`);
    for (const comparison of await against({ trees, quick, pairs, log: (line) => log(`  ${line}`) })) {
      log(comparisonText(comparison));
      if (['slower', 'over'].includes(standingOf(comparison))) worse += 1;
    }
  }
  return worse > 0 ? 1 : 0;
}
