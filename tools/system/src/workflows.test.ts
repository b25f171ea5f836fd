// Every suite runs in a workflow: one that runs in none breaks unnoticed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { root } from '@scaler/chart';
import { scenarios } from './suites/cluster/all.ts';
import { trials } from './suites/embedded/all.ts';

interface Step {
  readonly run?: string;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>> | string;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/**
 * Scripts that are no suites: they start, build, write or pack things; and the suites that `check` runs under another
 * name.
 */
const noSuites = ['build', 'dev', 'walk', 'figures', 'proof', 'format', 'stage', 'images', 'e2e:stage', 'e2e:image'];

/** The scripts of package.json that a command line starts, and those that they start, with their arguments. */
function started(line: string): [script: string, given: string][] {
  return line.split('&&').flatMap((part): [string, string][] => {
    const [, named, short, given = ''] =
      /npm (?:run (?:--silent )?([\w:]+)|(start|test))(?: -- (.*))?/.exec(part) ?? [];
    const script = named ?? short;
    if (script === undefined) return [];
    return [[script, given.trim()], ...started(scripts[script] ?? '')];
  });
}

const files = readdirSync(join(root, '.github/workflows'));
const all = files.flatMap((file) => {
  const { jobs } = parse(read('.github/workflows', file)) as Workflow;
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => started(run)));
});
const givenTo = (script: string): string[] => all.filter(([name]) => name === script).map(([, given]) => given);
const words = (given: string): string[] => given.split(' ').filter((word) => word !== '' && !word.startsWith('--'));

test('every script of package.json that checks something', () => {
  const run = new Set(all.map(([script]) => script));
  const missing = Object.keys(scripts).filter((script) => !run.has(script) && !noSuites.includes(script));
  expect(missing).toEqual([]);
});

test.each(trials.map(({ name }) => name))('the trial %s', (name) => {
  expect(givenTo('trials').some((given) => words(given).length === 0 || words(given).includes(name))).toBe(true);
});

test.each(scenarios.map(({ name, nodes = 1 }) => [name, nodes] as const))(
  'the scenario %s, on %d nodes',
  (name, nodes) => {
    const some = givenTo('e2e').filter((given) => given.includes('--all'));
    expect(some.some((given) => words(given).length === 0 || words(given).includes(name))).toBe(true);
    const kinds = readdirSync(join(root, 'tools/system/kind')).map(
      (file) => parse(read('tools/system/kind', file)) as { nodes: [] },
    );
    expect(Math.max(...kinds.map(({ nodes: of }) => of.length))).toBeGreaterThanOrEqual(nodes);
  },
);

test('both clusters of kind', () => {
  const text = read('.github/workflows/nightly.yml');
  const counts = readdirSync(join(root, 'tools/system/kind')).map((file) => Number(/\d+/.exec(file)?.[0]));
  expect(text).toContain(`matrix: { nodes: [${counts.join(', ')}] }`);
});

test('long chaos, the main job, each kind of fuzz, the chart on a cluster, and the demo', () => {
  expect(givenTo('chaos').some((given) => given.includes('--steps 10000'))).toBe(true);
  expect(givenTo('e2e')).toContain('');
  const fuzz = givenTo('fuzz');
  for (const option of ['--count 100000', '--hostile --count 100000', '--closes'])
    expect(fuzz.some((given) => given.startsWith(option))).toBe(true);
  expect(givenTo('chart:check')).toContain('--cluster');
  expect(givenTo('start')).toContain('--once');
});

test('the long ones are started by the clock, and by hand', () => {
  const { on } = parse(read('.github/workflows/nightly.yml')) as Workflow;
  expect(Object.keys(on)).toEqual(expect.arrayContaining(['schedule', 'workflow_dispatch']));
});

test('the README has each trial and each scenario', () => {
  const readme = read('tools/system/README.md');
  for (const { name } of [...trials, ...scenarios]) expect(readme).toContain(`\`${name}\``);
});
