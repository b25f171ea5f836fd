import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { createMetrics, optionsTable } from '@scaler/runtime';
import { proposableSettings } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { Accounting, Faults, secondsBuckets } from './ledger/accounting.ts';
import { WakeMetrics } from './wake/wake-metrics.ts';
import { outcomes } from './outcome.ts';
import { settings } from './settings.ts';
import { send } from './testing/harness.ts';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

test('the options of the README are the options', () => {
  expect(readme).toContain(optionsTable(settings));
});

test('a scaler may propose what the contract says, and nothing else', () => {
  const open = Object.entries(settings).filter(([, { proposal }]) => proposal);
  expect(open.map(([name]) => name).toSorted()).toEqual([...proposableSettings.dlx].toSorted());
});

test('the outcomes of the README are the outcomes, with their statuses', () => {
  const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\| (\d+|upstream) /gm)].map(([, code, status]) => [code, status]);
  const known = Object.entries(outcomes).map(([code, { status }]) => [
    code,
    status === 0 ? 'upstream' : String(status),
  ]);
  expect(rows).toEqual(known);
});

test('the metrics of the README are the metrics, with their labels', async () => {
  const metrics = createMetrics();
  const accounting = new Accounting(metrics);
  new Faults(metrics, createFakeClock(), silentLogger);
  new WakeMetrics(metrics, secondsBuckets);
  expect(accounting.accepted).toBe(0);
  const text = await metrics.text();
  const known = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)\n(?:\S+?\{(.*)\} )?/gm)].map(
    ([, name = '', help, type, series = '']) => {
      const labels = [...series.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
      return [labels.length === 0 ? name : `${name}{${labels.join()}}`, type, help];
    },
  );
  expect(known.length).toBeGreaterThan(10);
  const table = readme.split('<!-- metrics -->')[1]?.split('\n\n')[1] ?? '';
  const rows = [...table.matchAll(/^\| `(\S+)` +\| (\w+) +\| (.*?) +\|$/gm)].map(([, ...cells]) => cells);
  expect(rows).toEqual(known);
});

test('the example of the README wakes on the first request, and the program ends well at SIGTERM', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dlx-'));
  const scaler = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'scaler.js'), scaler);
  const flags = ['--scaler', './scaler.js', '--listen-port', '0', '--infra-port', '0', '--admin-port', '0'];
  flags.push('--propagate', '10ms', '--identity', 'dlx-1');
  const main = join(import.meta.dirname, 'main.ts');
  child = spawn(process.execPath, ['--conditions=@scaler/source', main, ...flags], { cwd: folder });
  const { port, infra } = await listening(child);
  const answer = await send({ port, headers: { host: 'web' } });
  expect([answer.status, answer.body]).toEqual([200, 'good morning\n']);
  const metrics = await send({ port: infra.port, path: '/metrics' });
  expect(metrics.body).toContain('scaler_dlx_requests_total{outcome="forwarded"} 1');
  expect(metrics.body).toContain('scaler_dlx_held 0');
  expect((await send({ port: infra.port, path: '/readyz' })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  rmSync(folder, { recursive: true });
});

function listening(child: ChildProcess): Promise<{ port: number; infra: { port: number } }> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk) => (text += String(chunk)));
    child.stdout?.on('data', (chunk) => {
      text += String(chunk);
      const line = text.split('\n').find((one) => one.startsWith('{') && one.includes('"msg":"listening"'));
      if (line?.endsWith('}') === true) resolve(JSON.parse(line) as { port: number; infra: { port: number } });
    });
    child.once('exit', () => reject(new Error(`it does not listen: ${text}`)));
  });
}
