// The workflow does what `npm run release:check` has tried, in the same order.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { root } from './packages.ts';

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
}

const text = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8');
const { jobs } = parse(text) as { jobs: Readonly<Record<string, Job>> };
const commands = (job: string): (string | undefined)[] => jobs[job]?.steps.map(({ run }) => run) ?? [];

test('the release is tried in a clone first', () => {
  expect(commands('check')).toContain('npm run release:check -- planned');
  expect(jobs['release']?.needs).toBe('check');
});

test('commit and tags are pushed before anything is published, and what is published is that commit', () => {
  expect(commands('release')).toContain('npm run release -- --push "$BRANCH"');
  const publishing = Object.entries(jobs).filter(([name]) => !['check', 'release', 'sign'].includes(name));
  expect(publishing.map(([name]) => name)).toEqual(['publish', 'images', 'chart']);
  for (const [, { needs, steps }] of publishing) {
    expect([needs].flat()).toContain('release');
    const checkout = steps.find(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkout?.with?.['ref']).toBe('${{ needs.release.outputs.commit }}');
  }
});

test('packages are published by the command that is tried, with their provenance', () => {
  const publish = jobs['publish']?.steps.find(({ run }) => run === 'npx nx release publish');
  expect(publish?.env).toMatchObject({ NPM_CONFIG_PROVENANCE: 'true' });
  const tried = readFileSync(join(import.meta.dirname, 'shipped/main.ts'), 'utf8');
  for (const words of [
    "'npm', 'run', 'release', '--', '--push'",
    "'npm', 'run', 'build'",
    "'npx', 'nx', 'release', 'publish'",
  ])
    expect(tried).toContain(words);
});
