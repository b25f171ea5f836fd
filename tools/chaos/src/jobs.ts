import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Options } from './options.ts';
import type { Tally } from './report.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Shares the episodes of a long run out to processes. Undefined: one of them found a violation, and has printed it. */
export async function runJobs(options: Options): Promise<readonly Tally[] | undefined> {
  const children = new Set<ReturnType<typeof spawn>>();
  const run = ({ seed, steps }: Share): Promise<Tally | undefined> =>
    new Promise((resolve, reject) => {
      const { episode, shrink } = options;
      const own = ['--seed', seed, '--steps', steps, '--episode', episode, '--shrink', shrink].map(String);
      const child = spawn(process.execPath, [...process.execArgv, main, ...own, '--child'], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.add(child);
      let tally: Tally | undefined;
      child.on('message', (message) => (tally = message as Tally));
      child.on('error', reject);
      child.on('exit', () => {
        children.delete(child);
        resolve(tally);
      });
    });
  const tallies = await Promise.all(
    sharesOf(options).map(async (share) => {
      const tally = await run(share);
      // A violation was found: the other processes need not go on.
      if (tally === undefined) for (const child of children) child.kill();
      return tally;
    }),
  );
  return tallies.every((tally) => tally !== undefined) ? tallies : undefined;
}

interface Share {
  readonly seed: number;
  readonly steps: number;
}

/** Each process plays whole episodes, of consecutive seeds. */
export function sharesOf({
  seed,
  steps,
  episode,
  jobs,
}: Pick<Options, 'seed' | 'steps' | 'episode' | 'jobs'>): Share[] {
  const episodes = Math.ceil(steps / episode);
  const each = Math.ceil(episodes / jobs);
  const count = Math.ceil(episodes / each);
  return Array.from({ length: count }, (_, i) => ({
    seed: seed + i * each,
    steps: Math.min(each, episodes - i * each) * episode,
  }));
}
