import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { type Options as Described, readCommandLine } from '@scaler/command';
import { sharesOf } from './jobs.ts';
import { command, optionsOf } from './options.ts';
import { drills } from './steps/generate.ts';
import { missing } from './vacuity.ts';

const read = (...argv: string[]): ReturnType<typeof optionsOf> => optionsOf(readCommandLine(command, argv).values);

test('flags are read, and wrong ones refused with what is allowed', () => {
  expect(read('--seed', '7', '--steps', '10000', '--only', '1,5')).toMatchObject({
    ...{ seed: 7, steps: 10_000, episode: 200, only: [1, 5], drill: undefined },
  });
  expect(read('--quick').steps).toBe(100);
  expect(() => read('--steps', 'many')).toThrow('--steps is "many", allowed is a whole number of at least 1');
  expect(() => read('--drill', 'x')).toThrow('allowed is one of request, ');
});

test('the README has every flag and every drill', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  for (const [flag, { hidden = false }] of Object.entries<Described[string]>(command.options)) {
    if (!hidden) expect(readme).toContain(`--${flag}`);
  }
  for (const drill of Object.keys(drills)) expect(readme).toContain(`\`${drill}\``);
});

test('jobs share out whole episodes, each seed once', () => {
  const shares = sharesOf({ seed: 10, steps: 2_000, episode: 200, jobs: 3 });
  expect(shares).toEqual([
    { seed: 10, steps: 800 },
    { seed: 14, steps: 800 },
    { seed: 18, steps: 400 },
  ]);
  expect(sharesOf({ seed: 1, steps: 200, episode: 200, jobs: 8 })).toEqual([{ seed: 1, steps: 200 }]);
});

test('a run without parks proves nothing, nor does a long one without a kind of fault', () => {
  expect(missing(() => 1, 10_000)).toEqual([]);
  expect(missing((what) => (what === 'parks' ? 0 : 1), 100)).toEqual(['parks']);
  expect(missing((what) => (what === 'fault lost' ? 0 : 1), 999)).toEqual([]);
  expect(missing((what) => (what === 'fault lost' ? 0 : 1), 1_000)).toEqual(['fault lost']);
});
