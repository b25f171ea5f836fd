import { parseArgs } from 'node:util';
import { type Drill, drills } from './steps/generate.ts';

/** How the suite is run. */
export interface Options {
  readonly seed: number;
  /** In all, over as many episodes as that takes. */
  readonly steps: number;
  /** Steps of one episode. */
  readonly episode: number;
  /** Ends soon: a sample for CI. */
  readonly quick: boolean;
  /** Only these steps of the one episode of the seed. */
  readonly only: readonly number[] | undefined;
  /** A file with `{seed, steps}`, as a failure leaves it behind. */
  readonly replay: string | undefined;
  /** Scripts that are about one thing alone. */
  readonly drill: Drill | undefined;
  /** On the cluster of `KUBECONFIG` instead, where the steps and the time are real: tools/e2e. */
  readonly cluster: boolean;
  readonly verbose: boolean;
  /** Processes that the episodes of a long run are shared out to. */
  readonly jobs: number;
  /** One of these processes: tells its counts to the one that started it. */
  readonly child: boolean;
  /** Seconds for finding a shorter history. */
  readonly shrinkSeconds: number;
}

export const usage = `npm run chaos -- [--seed N] [--steps N] [--quick] [--episode N] [--only a,b,c] [--replay FILE] [--drill NAME] [--cluster] [--shrink SECONDS] [--jobs N] [--verbose]`;

/** @throws Error with one sentence for people. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: '1' },
      steps: { type: 'string' },
      episode: { type: 'string', default: '200' },
      only: { type: 'string' },
      drill: { type: 'string' },
      replay: { type: 'string' },
      shrink: { type: 'string', default: '120' },
      jobs: { type: 'string', default: '1' },
      child: { type: 'boolean', default: false },
      cluster: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const { quick, verbose, replay, cluster } = values;
  const only = values.only?.split(',').map((text) => wholeNumber('only', text, 0));
  return {
    seed: wholeNumber('seed', values.seed, 0),
    steps: wholeNumber('steps', values.steps ?? (cluster ? '40' : quick ? '100' : '200'), 1),
    episode: wholeNumber('episode', values.episode, 2),
    ...{ quick, verbose, replay, only, cluster, child: values.child },
    jobs: wholeNumber('jobs', values.jobs, 1),
    drill: values.drill === undefined ? undefined : drillOf(values.drill),
    shrinkSeconds: wholeNumber('shrink', values.shrink, 0),
  };
}

function drillOf(text: string): Drill {
  if (text in drills) return text as Drill;
  throw new Error(`--drill is "${text}", allowed is one of ${Object.keys(drills).join(', ')}`);
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name} is "${text}", allowed is a whole number of at least ${least}`);
  return value;
}
