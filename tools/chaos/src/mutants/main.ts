import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, text, whole } from '@scaler/command';
import { copySources, takeAway } from './copy.ts';
import { type Guard, guards } from './guards.ts';

const root = join(import.meta.dirname, '../../../..');

interface Noticed {
  readonly guard: string;
  /** Undefined: no script noticed. */
  readonly seed: number | undefined;
  readonly how: string;
  readonly step: string;
  readonly invariant: string;
  readonly facts: string;
}

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
  const copy = await copySources(root);
  const results: Noticed[] = [];
  try {
    for (const guard of guards.filter(({ name }) => name.includes(values.only ?? ''))) {
      const noticed = await tryGuard(copy, guard, seeds, String(values.steps));
      results.push(noticed);
      console.log(textOf(noticed));
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
  const unnoticed = results.filter(({ seed }) => seed === undefined);
  console.log(
    `${results.length - unnoticed.length} of ${results.length} guards: a script noticed that the guard was taken away`,
  );
  return unnoticed.length > 0 || results.length === 0 ? 1 : 0;
}

async function tryGuard(copy: string, guard: Guard, seeds: readonly number[], steps: string): Promise<Noticed> {
  const putBack = await takeAway(copy, guard);
  try {
    for (const seed of seeds) {
      const output = await runSuite(copy, [
        '--seed',
        String(seed),
        '--steps',
        steps,
        '--shrink',
        '0',
        ...drillFor(guard, seed),
      ]);
      const broken = /BROKEN: (.+)\n {2}(.+)\n {2}seed \d+, step (\d+)/.exec(output);
      if (broken !== null) {
        const [, invariant = '', facts = '', step = ''] = broken;
        return {
          guard: guard.name,
          seed,
          how: drillFor(guard, seed)
            .map((word) => ` ${word}`)
            .join(''),
          step,
          invariant,
          facts,
        };
      }
    }
    return { guard: guard.name, seed: undefined, how: '', step: '', invariant: '', facts: '' };
  } finally {
    await putBack();
  }
}

/** Two of three scripts use the drill of the guard; the others have all kinds of steps. */
function drillFor({ drill }: Guard, seed: number): readonly string[] {
  return seed % 3 === 0 ? [] : ['--drill', drill];
}

function runSuite(cwd: string, args: readonly string[]): Promise<string> {
  const node = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', 'tools/chaos/src/main.ts'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}

function textOf({ guard, seed, how, step, invariant, facts }: Noticed): string {
  if (seed === undefined) return `${guard}: NOT NOTICED by any script`;
  return `${guard}: seed ${seed}${how}, step ${step}: ${invariant}\n    ${facts}`;
}

process.exitCode = await main();
