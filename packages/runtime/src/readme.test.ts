import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import {
  optionsTable,
  placeSettings,
  pluginSettings,
  processSettings,
  runtimeErrors,
  serverSettings,
} from './index.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

test('the options table of the README is the one that the settings make', () => {
  expect(readme).toContain(
    optionsTable({ ...processSettings, ...serverSettings, ...pluginSettings, ...placeSettings }),
  );
});

test('the errors table of the README has exactly the codes of the code, with exit code and meaning', () => {
  const rows = [...readme.matchAll(/^\| `([a-z-]+)`\s+\| (\d)\s+\| (.+?)\s+\|$/gm)].map(
    ([, code, exitCode, meaning]) => [code, { exitCode: Number(exitCode), meaning }],
  );
  expect(Object.fromEntries(rows)).toEqual(runtimeErrors);
});

test('the example of the README runs', async () => {
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  // Inside the package, so that its name resolves as it does for a user.
  const place = mkdtempSync(join(folder, 'example-'));
  try {
    const file = join(place, 'main.ts');
    writeFileSync(file, code);
    const env = { PATH: process.env['PATH'] ?? '', SCALER_GREETING: 'hello' };
    const argv = ['--conditions=@scaler/source', file, '--interval=10ms', '--log-format=text', '--infra-port=0'];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
    expect(stdout).toMatch(/INFO {2}greeter: said greeting=hello/);
    expect(stdout).toMatch(/INFO {2}greeter: stopped exitCode=0/);
  } finally {
    rmSync(place, { recursive: true });
  }
});
