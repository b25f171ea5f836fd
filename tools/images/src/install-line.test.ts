import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { type Built, imageValues, installArguments, installLine } from './install-line.ts';
import { apps, root } from './stage.ts';

const usual: Built = { prefix: 'localhost/scaler-', tag: 'dev' };
const builds: Built[] = [
  usual,
  { prefix: 'registry.example:5000/team/scaler-', tag: '1' },
  { prefix: 'scaler-', tag: 'v1.2.3' },
];

test('each value of the line is one of the chart, of the same type', () => {
  const values: unknown = parse(readFileSync(join(root, 'charts/scaler/values.yaml'), 'utf8'));
  for (const path of Object.keys(imageValues(usual))) {
    const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], values);
    expect([path, typeof value]).toEqual([path, 'string']);
  }
});

test.each(['README.md', 'charts/scaler/README.md'])('%s has the line of a build without options', (file) => {
  expect(readFileSync(join(root, file), 'utf8').replaceAll(/ \\\n\s+/g, ' ')).toContain(installLine(usual));
});

const env = {
  ...process.env,
  PATH: `${process.env['PATH']}${delimiter}${join(homedir(), '.cache/scaler-cluster/bin')}`,
};

function hasHelm(): boolean {
  try {
    execFileSync('helm', ['version'], { env });
    return true;
  } catch {
    console.warn('SKIPPED: there is no helm to render the chart with the line that `npm run images` prints');
    return false;
  }
}

(hasHelm() ? test : test.skip).each(builds)('helm renders the images $prefix…:$tag, and no others', (built) => {
  const [, ...rest] = installArguments(built);
  const args = ['template', ...rest.filter((word) => word !== '--create-namespace' && word !== '--wait')];
  const text = execFileSync('helm', [...args, '--kube-version', '1.35.0'], { cwd: root, encoding: 'utf8', env });
  const images = [...text.matchAll(/^\s*(?:- )?image: "?([^"\n]+)"?$/gm)].map(([, image]) => image);
  expect([...new Set(images)].sort()).toEqual(apps.map((app) => `${built.prefix}${app}:${built.tag}`).sort());
});
