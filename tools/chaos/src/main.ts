import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from '@scaler/command';
import { createCounts } from './counts.ts';
import { type Episode, type EpisodeOptions, type Outcome, play } from './episode.ts';
import { runJobs } from './jobs.ts';
import { runOnCluster } from './on-cluster.ts';
import { command, type Options, optionsOf } from './options.ts';
import { printTally, sum, type Tally } from './report.ts';
import { shrink } from './shrink.ts';
import { generate, generateDrill } from './steps/generate.ts';
import { histories, type History } from './steps/histories.ts';
import type { Step } from './steps/step.ts';
import { missing } from './vacuity.ts';

async function main(): Promise<number> {
  const options = optionsOf(commandLine(command).values);
  if (options.cluster) return runOnCluster(options);
  const beganMs = performance.now();
  const tallies = options.jobs > 1 && !options.kept ? await runJobs(options) : await runHere(options);
  if (tallies === undefined) return 1;
  const tally = sum(tallies);
  if (options.child) {
    await new Promise((resolve) => process.send?.(tally, resolve));
    return 0;
  }
  printTally(tally, performance.now() - beganMs);
  const partial = options.kept || [options.only, options.replay, options.drill].some((one) => one !== undefined);
  const never = partial ? [] : missing((what) => tally.counts[what] ?? 0, tally.steps);
  if (never.length > 0) {
    console.error(`The run proves nothing, because these never happened: ${never.join(', ')}`);
    return 1;
  }
  console.log(`${tally.steps} steps, 0 broken invariants`);
  return 0;
}

/** Undefined: an invariant was broken, and the report is printed. */
async function runHere(options: Options): Promise<readonly Tally[] | undefined> {
  const counts = createCounts();
  let steps = 0;
  let productMs = 0;
  for (const episode of await episodesOf(options)) {
    const outcome = await play(episode, { counts, ...printersOf(options) });
    steps += Math.min(outcome.step + 1, episode.steps.length);
    productMs += outcome.ms;
    if (outcome.violation !== undefined) {
      await fail(episode, outcome, options);
      return undefined;
    }
    if (options.child || options.kept || options.steps > options.episode) {
      const seconds = Math.round(outcome.ms / 1_000);
      console.log(
        `${nameOf(episode)}: ${episode.steps.length} steps, ${seconds} s of simulated time, no invariant broken`,
      );
    }
  }
  const { user, system } = process.cpuUsage();
  return [{ steps, productMs, cpuMs: (user + system) / 1_000, counts: counts.all }];
}

function nameOf({ name, seed }: Episode): string {
  return name === undefined ? `seed ${seed}` : `${name}, seed ${seed}`;
}

/** A long run is many episodes, each in a world of its own: a failure comes again from its seed alone. */
async function episodesOf(options: Options): Promise<readonly Episode[]> {
  const { seed, steps, episode, only, replay, drill, kept } = options;
  const script = (of: number, length: number): readonly Step[] =>
    drill === undefined ? generate(of, length) : generateDrill(of, length, drill);
  if (kept) return keptEpisodes();
  if (replay !== undefined) return [JSON.parse(await readFile(replay, 'utf8')) as Episode];
  if (only !== undefined) return [{ seed, steps: only.flatMap((index) => script(seed, episode)[index] ?? []) }];
  const count = Math.ceil(steps / episode);
  const length = count === 1 ? Math.max(steps, 2) : episode;
  return Array.from({ length: count }, (_, i) => ({ seed: seed + i, steps: script(seed + i, length) }));
}

/** Each history ends when everything has settled. */
function keptEpisodes(): readonly Episode[] {
  return Object.entries<History>(histories).flatMap(([name, { seeds, steps }]) =>
    seeds.map((seed) => ({ seed, name, steps: [...steps, { do: 'settle' }] })),
  );
}

function printersOf({ verbose }: Options): Pick<EpisodeOptions, 'onStep' | 'onLog'> {
  if (!verbose) return {};
  return {
    onStep: (index, step, ms) => console.log(`${Math.round(ms)} ms  step ${index}  ${JSON.stringify(step)}`),
    onLog: (program, level, message, fields) => {
      if (level !== 'debug')
        console.log(`      ${program} ${level} ${message} ${JSON.stringify(fields).slice(0, 400)}`);
    },
  };
}

async function fail(episode: Episode, outcome: Outcome, { shrink: seconds, drill }: Options): Promise<void> {
  const { violation, step } = outcome;
  console.error(`\nBROKEN: ${violation?.invariant}\n  ${violation?.facts}`);
  console.error(
    `  ${nameOf(episode)}, step ${step} (${JSON.stringify(episode.steps[step])}), ${violation?.ms} ms of simulated time`,
  );
  const endsMs = performance.now() + seconds * 1_000;
  const seen = episode.steps.slice(0, step + 1);
  const short = await shrink(seen, (steps) => failsAlike({ ...episode, steps }, outcome), {
    mayGoOn: () => performance.now() < endsMs,
  });
  const file = join(tmpdir(), `chaos-${episode.seed}.json`);
  await writeFile(file, JSON.stringify({ seed: episode.seed, steps: short.steps } satisfies Episode, undefined, 1));
  console.error(`  shortest history found, ${short.steps.length} of ${seen.length} steps, after ${short.tries} tries:`);
  for (const one of short.steps) console.error(`    ${JSON.stringify(one)}`);
  console.error(`  again: npm run chaos -- --replay ${file}`);
  if (episode.name !== undefined) return;
  const indices = indicesOf(short.steps, episode.steps);
  console.error(
    `  or:    npm run chaos -- --seed ${episode.seed} --episode ${episode.steps.length}${drill === undefined ? '' : ` --drill ${drill}`} --only ${indices.join(',')}`,
  );
}

async function failsAlike(episode: Episode, like: Outcome): Promise<boolean> {
  const { violation } = await play(episode);
  return violation?.invariant === like.violation?.invariant;
}

function indicesOf(part: readonly Step[], whole: readonly Step[]): readonly number[] {
  let from = 0;
  return part.map((step) => {
    const index = whole.indexOf(step, from);
    from = index + 1;
    return index;
  });
}

process.exitCode = await main();
// Keep-alive connections of processes that were killed in the simulation may still be closing.
process.exit();
