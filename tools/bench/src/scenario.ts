import type { Comparison } from './against/verdict.ts';

/** One number that a scenario measured. Ranges are of its rounds. */
export interface Figure {
  readonly name: string;
  /** The median of the rounds, where there are several. */
  readonly value: number;
  /** `×` for a ratio, `ms`, `MB`, `KB`, `µs`, `rps`, `%`; empty for a count. */
  readonly unit: string;
  readonly min?: number;
  readonly max?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The bound in a quick run, missed when every round misses it. Without one, a quick run shows the figure and does not judge it. */
  readonly quickAtLeast?: number;
  readonly quickAtMost?: number;
}

export interface Context {
  /** A short run, for a gate: its figures are less exact. */
  readonly quick: boolean;
  /** How many rounds are measured. */
  readonly rounds: number;
  /** Prints one line of progress. */
  log(line: string): void;
  /** Keeps the numbers of one round as they are, in the JSON beside the figures. */
  keep(round: object): void;
  /**
   * Gives the reason why a missed figure may say nothing about the DLX. A gate then reports that, and does not fail.
   */
  doubt(reason: string): void;
}

/** A comparison of this tree with another commit's. */
export interface AgainstRun extends Pick<Context, 'quick' | 'log'> {
  /** The folders of both trees, whose programs are built. */
  readonly trees: { readonly now: string; readonly before: string };
  readonly pairs: number;
}

export interface Scenario {
  /** Lower case with hyphens: its name on the command line and of its JSON file. */
  readonly name: string;
  /** One line. */
  readonly doc: string;
  /**
   * Programs that it needs: without them it is skipped, and the run says so. A gate does without them in a quick run.
   */
  readonly needs?: readonly string[];
  /** `--quick` runs it when no names are given. */
  readonly isGate?: boolean;
  run(context: Context): Promise<readonly Figure[]>;
  /** Measures the programs of both trees in alternation. Without it, `--against` does not run the scenario. */
  against?(run: AgainstRun): Promise<readonly Comparison[]>;
}
