// Every command of the root package.json that is a program of this repository, as the process that npm would start.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** By command: what Node.js is started with. What is built first does not matter here, so the source stands for it. */
const programs = Object.entries(scripts).flatMap(([name, script]): [string, string[]][] => {
  const [node, ...args] = script.split(' && ').at(-1)?.split(' ') ?? [];
  const source = args.map((arg) => arg.replace(/\/dist\/(\w+)\.js$/, '/src/$1.ts'));
  const isOurs =
    node === 'node' && source.some((arg) => /^(tools|packages)\//.test(arg) && existsSync(join(root, arg)));
  return isOurs ? [[name, source]] : [];
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], more: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const conditions = '--conditions=@scaler/source';
    const child = spawn(process.execPath, [conditions, '--disable-warning=ExperimentalWarning', ...args, more], {
      cwd: root,
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (err += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

test('there are as many as are known', () => {
  const names = programs.map(([name]) => name);
  expect(names).toEqual(expect.arrayContaining(['start', 'bench', 'chaos', 'trials', 'e2e', 'images', 'stage']));
  expect(names.length).toBeGreaterThanOrEqual(12);
});

test.each(programs)(
  '%s: --help prints the usage, an option that is none ends it with one sentence',
  async (name, args) => {
    const [help, wrong] = await Promise.all([start(args, '--help'), start(args, '--nonsense')]);
    expect(help).toMatchObject({ code: 0, err: '' });
    const begin = name === 'start' ? 'npm start' : `npm run ${name}`;
    expect(help.out).toMatch(new RegExp(`^Usage: ${begin} -- \\[options\\]`));
    expect(help.out).toContain('\nExamples:\n');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toMatch(new RegExp(`^There is no option "--nonsense" of ${begin}; there are .*--help\\.\n$`));
  },
  60_000,
);

test.each([
  ['trials', 'sleepy', 'There is no trial "sleepy"; there are lying, '],
  ['e2e', 'drain', 'Scenarios run with --all: npm run e2e -- --all drain'],
  ['e2e', 'dream', 'There is no scenario "dream"; there are matrix, '],
  ['bench', 'smal', 'There is no scenario "smal"; there are '],
  ['chaos:mutants', '--only=none', '--only is "none", allowed is a part of a name: '],
  ['chaos', '--steps=many', '--steps is "many", allowed is a whole number of at least 1'],
  ['images', '--builder=kaniko', '--builder is "kaniko", allowed is one of docker, podman, buildah'],
])(
  '%s refuses %s',
  async (name, given, sentence) => {
    const args = programs.find(([one]) => one === name)?.[1] ?? [];
    const { code, out, err } = await start(args, given);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.startsWith(sentence)).toBe(true);
    expect(err.trimEnd()).not.toContain('\n');
  },
  60_000,
);
