import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { testingKitErrors } from '../../errors.ts';

const folder = fileURLToPath(new URL('../../..', import.meta.url));
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

/** From a heading to the next of its level. */
function section(title: string): string {
  return readme.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

test('the errors table of the README has exactly the codes of the code', () => {
  const rows = [...section('Errors of the clock and the cluster').matchAll(/^\| `([a-z-]+)`\s+\| (.+?)\s+\|$/gm)];
  expect(Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning]))).toEqual(testingKitErrors);
});

test('the example of the embedded cluster runs', async () => {
  const code = /```ts\n(.*?)```/s.exec(section('The embedded cluster'))?.[1] ?? '';
  // Inside the package, so that its name resolves as it does for a user.
  const place = mkdtempSync(join(folder, 'example-'));
  try {
    const file = join(place, 'main.ts');
    writeFileSync(file, code);
    const argv = ['--conditions=@scaler/source', '--disable-warning=ExperimentalWarning', file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, argv);
    expect([stdout, stderr]).toEqual([expect.stringMatching(/^shop-\w+-\w+ got \/hello\n$/), '']);
  } finally {
    rmSync(place, { recursive: true });
  }
});
