import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCounts, type Counts } from './counts.ts';
import { type Episode, type EpisodeOptions, type Outcome, play } from './episode.ts';
import { type Options, readOptions, usage } from './options.ts';
import { shrink } from './shrink.ts';
import { generate } from './steps/generate.ts';
import type { Step } from './steps/step.ts';
import { missing } from './vacuity.ts';

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const counts = createCounts();
  const beganMs = performance.now();
  let done = 0;
  let productMs = 0;
  for (const episode of await episodesOf(options)) {
    const outcome = await play(episode, { counts, ...tellers(options) });
    done += Math.min(outcome.step + 1, episode.steps.length);
    productMs += outcome.ms;
    if (outcome.violation !== undefined) {
      await fail(episode, outcome, options);
      return 1;
    }
    if (options.steps > options.episode) {
      console.log(
        `seed ${episode.seed}: ${episode.steps.length} steps, ${Math.round(outcome.ms / 1_000)} s of its time, nothing broken`,
      );
    }
  }
  tell(counts, done, productMs, performance.now() - beganMs);
  const never = options.only === undefined && options.replay === undefined ? missing(counts, done) : [];
  if (never.length > 0) {
    console.error(`The run was in vain: these never happened: ${never.join(', ')}`);
    return 1;
  }
  console.log(`${done} steps, 0 broken invariants`);
  return 0;
}

/** A long run is many episodes, each in a world of its own: its seed is enough to have it again. */
async function episodesOf({ seed, steps, episode, only, replay }: Options): Promise<readonly Episode[]> {
  if (replay !== undefined) return [JSON.parse(await readFile(replay, 'utf8')) as Episode];
  if (only !== undefined) {
    const script = generate(seed, episode);
    return [{ seed, steps: only.flatMap((index) => script[index] ?? []) }];
  }
  const count = Math.ceil(steps / episode);
  return Array.from({ length: count }, (_, i) => ({
    seed: seed + i,
    steps: generate(seed + i, count === 1 ? Math.max(steps, 2) : episode),
  }));
}

function tellers({ verbose }: Options): Pick<EpisodeOptions, 'onStep' | 'onLog'> {
  if (!verbose) return {};
  return {
    onStep: (index, step, ms) => console.log(`${Math.round(ms)} ms  step ${index}  ${JSON.stringify(step)}`),
    onLog: (program, level, message, fields) => {
      if (level !== 'debug')
        console.log(`      ${program} ${level} ${message} ${JSON.stringify(fields).slice(0, 400)}`);
    },
  };
}

async function fail(episode: Episode, outcome: Outcome, { shrinkSeconds }: Options): Promise<void> {
  const { violation, step } = outcome;
  console.error(`\nBROKEN: ${violation?.invariant}\n  ${violation?.facts}`);
  console.error(
    `  seed ${episode.seed}, step ${step} (${JSON.stringify(episode.steps[step])}), ${violation?.ms} ms of its time`,
  );
  const endsMs = performance.now() + shrinkSeconds * 1_000;
  const seen = episode.steps.slice(0, step + 1);
  const short = await shrink(seen, (steps) => failsAlike({ ...episode, steps }, outcome), {
    mayGoOn: () => performance.now() < endsMs,
  });
  const file = join(tmpdir(), `chaos-${episode.seed}.json`);
  await writeFile(file, JSON.stringify({ seed: episode.seed, steps: short.steps } satisfies Episode, undefined, 1));
  console.error(`  shortest history found, ${short.steps.length} of ${seen.length} steps, after ${short.tries} tries:`);
  for (const one of short.steps) console.error(`    ${JSON.stringify(one)}`);
  console.error(`  again: npm run chaos -- --replay ${file}`);
  const indices = indicesOf(short.steps, episode.steps);
  console.error(
    `  or:    npm run chaos -- --seed ${episode.seed} --episode ${episode.steps.length} --only ${indices.join(',')}`,
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

function tell(counts: Counts, steps: number, productMs: number, tookMs: number): void {
  const lines = [...counts.all].filter(([what]) => what !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [what, times] of lines) console.log(`${String(times).padStart(8)}  ${what}`);
  const perSecond = (steps / (tookMs / 1_000)).toFixed(1);
  console.log(
    `${(tookMs / 1_000).toFixed(1)} s, ${perSecond} steps/s, ${Math.round(productMs / 1_000)} s of the product's time`,
  );
}

process.exitCode = await main(process.argv.slice(2));
// Keep-alive connections of processes that were killed in the simulation may still be on their way out.
process.exit();
