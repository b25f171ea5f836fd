import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import * as library from './index.ts';
import { scalerErrors } from './errors.ts';
import type { Logger, ScalerContext } from './index.ts';
import { createResourceScaler } from './testing/lamp-scaler.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

test('the number of the contract is the same in package.json, which is read before anything is imported, and here', async () => {
  const file = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { scalerContract } = JSON.parse(file) as { scalerContract: string };
  expect(library.contractVersion).toBe(scalerContract);
  expect(readme).toContain(`a number, \`${library.contractVersion}\`,`);
});

test('the errors table has every code of the code with its meaning, and no other', () => {
  const table = readme.slice(readme.indexOf('## Errors'));
  const rows = [...table.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|$/gm)].map(([, code, meaning]) => [code, meaning]);
  expect(Object.fromEntries(rows)).toEqual(scalerErrors);
});

test('every value that is exported is named', () => {
  const names = Object.keys(library);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(readme).toContain(`\`${name}\``);
});

test('every member of the contract has its row', async () => {
  const source = await readFile(new URL('./scaler.ts', import.meta.url), 'utf8');
  const body = source.slice(
    source.indexOf('export interface ResourceScaler'),
    source.indexOf('/** The context that a scaler is created with. */'),
  );
  const members = [...body.matchAll(/^ {2}(\w+)\??\(/gm)].map(([, name]) => name);
  expect(members.length).toBeGreaterThan(9);
  for (const name of members) expect(readme).toMatch(new RegExp(`^\\| \`${name}\``, 'm'));
});

test('the example is the file that is tested here, and works', async () => {
  const file = await readFile(new URL('./testing/lamp-scaler.ts', import.meta.url), 'utf8');
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(file.replaceAll('../index.ts', '@scaler/scaler-types'));
  const logged: unknown[] = [];
  const logger = { info: (...args: unknown[]) => logged.push(args) } as unknown as Logger;
  const scaler = await createResourceScaler({ logger } as ScalerContext);
  const options = { signal: new AbortController().signal, reason: { by: 'test', text: 'no movement' } };
  const refs = ['lamp', 'nothing'].map((name) => ({ namespace: 'home', name }));
  const [parked, failed] = await scaler.setScale(refs, 0, options);
  expect(parked).toMatchObject({ ok: true });
  expect(failed).toMatchObject({ ok: false, error: { code: 'unknown-resource' } });
  expect(await scaler.getResources()).toMatchObject([{ name: 'lamp', phase: 'asleep', replicas: 0 }]);
  expect(logged).toEqual([['switched', { resource: 'lamp', scale: 0, reason: 'no movement' }]]);
});
