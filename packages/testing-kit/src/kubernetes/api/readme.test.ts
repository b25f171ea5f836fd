import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { apiReasons } from './errors.ts';

const folder = fileURLToPath(new URL('../../..', import.meta.url));
const readme = await readFile(join(folder, 'README.md'), 'utf8');

test("the README's table of refusals is the code's", () => {
  const table = readme.slice(readme.indexOf('### Refusals'), readme.indexOf('## The embedded cluster'));
  const rows = [...table.matchAll(/^\| `(\w+)`\s*\| (\d+)/gm)].map(([, code, status]) => [code, Number(status)]);
  expect(Object.fromEntries(rows)).toEqual(apiReasons);
});

test("the README's example of the fake API runs", async () => {
  const section = readme.slice(readme.indexOf('## The fake Kubernetes API'));
  const example = /```ts\n([\s\S]*?)```/.exec(section)![1]!;
  // Inside the package, so that its name resolves as it does for a user.
  const place = await mkdtemp(join(folder, 'example-'));
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await writeFile(join(place, 'main.ts'), example);
    await import(join(place, 'main.ts'));
    expect(log.mock.calls).toEqual([['200, by tester']]);
  } finally {
    log.mockRestore();
    await rm(place, { recursive: true });
  }
});
