import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { lamp } from './testing/lamp-scaler.ts';

const folder = fileURLToPath(new URL('../..', import.meta.url));
const lampPath = join(import.meta.dirname, 'testing/lamp-scaler.ts');
const readme = await readFile(join(folder, 'README.md'), 'utf8');

test('the example of the contract runs, on a scaler of one lamp', async () => {
  const section = readme.slice(readme.indexOf('## The contract'));
  const example = /```ts\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  // Inside the package, so that its name resolves as it does for a user.
  const place = await mkdtemp(join(folder, 'example-'));
  lamp.phase = 'asleep';
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await writeFile(join(place, 'main.ts'), example.replace('./lamp-scaler.ts', lampPath));
    await import(join(place, 'main.ts'));
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines).toContain('kept: a confirm that says no leaves it awake, and is the reason of park-cancelled');
    expect(lines).toContain('left-out: watchResources sends every resource, then synced, once');
    expect(lines.filter((line) => line.startsWith('kept: ')).length).toBeGreaterThan(15);
    expect(lamp.phase).toBe('awake');
  } finally {
    log.mockRestore();
    await rm(place, { recursive: true });
  }
});

test('every case is written down, and no other', async () => {
  const { resourceScalerContract } = await import('./contract.ts');
  const { cases } = resourceScalerContract({} as never);
  const section = readme.slice(readme.indexOf('## The contract'), readme.indexOf('## The fake Kubernetes API'));
  const listed = [...section.matchAll(/^- (.*)$/gm)].map(([, name]) => name);
  expect(listed).toEqual(cases.map(({ name }) => name));
});
