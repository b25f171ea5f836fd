import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, run, text, whole } from '@scaler/command';
import { copySources, takeAway } from './copy.ts';
import { type Guard, guards } from './guards.ts';

const root = join(import.meta.dirname, '../../../..');
const chaos = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', 'tools/chaos/src/main.ts'];

/** A guard is chosen by a part of its name; a part that no guard has is refused. */
const guardName = {
  ...text({
    doc: 'only the guards whose names have this text',
    allowed: `a part of a name: ${guards.map(({ name }) => name).join(', ')}`,
  }),
  read: (given: string) => (guards.some(({ name }) => name.includes(given)) ? given : undefined),
};

/** Takes each guard away in turn, and plays scripts until one notices. */
async function main(): Promise<number> {
  const { values } = commandLine({
    name: 'npm run chaos:mutants',
    doc: 'Takes each guard of the product away in turn, and plays scripts of chaos until one notices.',
    options: {
      only: guardName,
      seeds: whole({ doc: 'how many scripts are tried for each guard', least: 1, fallback: 9 }),
      first: whole({ doc: 'the seed of the first script', least: 0, fallback: 1 }),
      steps: whole({ doc: 'steps of one script', least: 1, fallback: 80 }),
    },
    examples: { '': 'every guard, hours', [`--only "${guards[0]?.name}"`]: 'one guard' },
  });
  const seeds = Array.from({ length: values.seeds }, (_, i) => values.first + i);
  const tried = guards.filter(({ name }) => name.includes(values.only ?? ''));
  const copy = await copySources(root);
  let noticed = 0;
  try {
    for (const guard of tried) {
      const how = await tryGuard(copy, guard, seeds, values.steps);
      if (how !== undefined) noticed += 1;
      console.log(`${guard.name}: ${how ?? 'NOT NOTICED by any script'}`);
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
  console.log(`${noticed} of ${tried.length} guards: a script noticed that the guard was taken away`);
  return noticed < tried.length || tried.length === 0 ? 1 : 0;
}

/** Resolves with what the first script that noticed says; undefined: none did. */
async function tryGuard(
  copy: string,
  guard: Guard,
  seeds: readonly number[],
  steps: number,
): Promise<string | undefined> {
  const putBack = await takeAway(copy, guard);
  try {
    for (const seed of seeds) {
      // Two of three scripts use the drill of the guard; the others have all kinds of steps.
      const drill = seed % 3 === 0 ? [] : ['--drill', guard.drill];
      const args = ['--seed', String(seed), '--steps', String(steps), '--shrink', '0', ...drill];
      const { text } = await run(process.execPath, [...chaos, ...args], { cwd: copy });
      const broken = /BROKEN: (.+)\n {2}(.+)\n {2}seed \d+, step (\d+)/.exec(text);
      if (broken === null) continue;
      const [, invariant, facts, step] = broken;
      return `${['seed', seed, ...drill].join(' ')}, step ${step}: ${invariant}\n    ${facts}`;
    }
    return undefined;
  } finally {
    await putBack();
  }
}

process.exitCode = await main();
