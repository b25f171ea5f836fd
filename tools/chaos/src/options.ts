import { choice, flag, text, type Values, whole, wholes } from '@scaler/command';
import { type Drill, drills } from './steps/generate.ts';

export const command = {
  name: 'npm run chaos',
  doc: 'Plays a seeded script of faults and requests on a fleet in simulated time, and checks the invariants after each step.',
  options: {
    seed: whole({ doc: 'the seed of the first script', least: 0, fallback: 1 }),
    steps: whole({ doc: 'steps in all; default 200, with --quick 100, with --cluster 40', least: 1 }),
    quick: flag('100 steps'),
    episode: whole({ doc: 'steps of one script', least: 2, fallback: 200 }),
    only: wholes({ doc: 'only these steps of the script' }),
    replay: text({ doc: 'the script that a failure left behind', value: 'FILE', allowed: 'a file' }),
    kept: flag('the kept histories, each with its seeds'),
    drill: choice({ doc: 'a script about one kind of fault', of: Object.keys(drills) as Drill[] }),
    cluster: flag('on the Kubernetes of KUBECONFIG; see tools/chaos/README.md'),
    shrink: whole({ doc: 'seconds for finding a shorter script', value: 'SECONDS', least: 0, fallback: 120 }),
    jobs: whole({ doc: 'processes that the scripts are shared out to', least: 1, fallback: 1 }),
    verbose: flag('prints every step and every log line'),
    child: flag('', { hidden: true }),
  },
  examples: {
    '': 'one script, half a minute',
    '--seed 7 --steps 10000 --jobs 2': '50 scripts, seeds 7 to 56',
    '--drill outage': 'a script about outages',
    '--kept': 'what once broke, and what late writes could do',
  },
} as const;

/** How the suite is run: `steps` in total, over all episodes of the seeds from `seed` on. */
export type Options = ReturnType<typeof optionsOf>;

export function optionsOf({ steps, ...more }: Values<typeof command.options>) {
  const usual = more.cluster ? 40 : more.quick ? 100 : 200;
  return { ...more, steps: steps ?? usual };
}
