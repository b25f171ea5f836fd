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
  /** A short run, for a gate: what it measures is less exact. */
  readonly quick: boolean;
  /** How often what is compared is measured. */
  readonly rounds: number;
  /** One line for whoever watches. */
  log(line: string): void;
  /** Keeps the numbers of one round as they are, in the JSON beside the figures. */
  keep(round: object): void;
  /** Says why a figure that is missed may say nothing about the DLX. A gate does not fail then, loudly. */
  doubt(reason: string): void;
}

export interface Scenario {
  /** Lower case with hyphens: its name on the command line and of its JSON file. */
  readonly name: string;
  /** One line. */
  readonly doc: string;
  /** Programs without which it is not run: skipped, and said so. A gate does without them in a quick run. */
  readonly needs?: readonly string[];
  /** It is part of `--quick`, where no names are given. */
  readonly isGate?: boolean;
  run(context: Context): Promise<readonly Figure[]>;
}
