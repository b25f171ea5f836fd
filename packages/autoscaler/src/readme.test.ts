import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createMetrics, optionsTable } from '@scaler/runtime';
import { proposableSettings, systemClock } from '@scaler/scaler-types';
import { createObserver } from './observe/metrics.ts';
import { observeSteps } from './observe/step-age.ts';
import { settings } from './app/settings.ts';
import { autoscalerErrors } from './errors.ts';
import { peerText } from './peers/peer.ts';
import { quietDlx, startFakeDlx } from './testing/dlx-peer.ts';
import { parseQueries } from './collect/prometheus/queries.ts';
import { startProgram } from './testing/program.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

function section(name: string): string {
  const match = new RegExp(`<!-- ${name} -->\\n\\n?([\\s\\S]*?)\\n?\\n<!-- /${name} -->`).exec(readme);
  return match?.[1] ?? '';
}

test('the settings table is the one of the code', () => {
  expect(section('settings')).toBe(optionsTable(settings));
});

test('a scaler may propose what the contract says, and nothing else', () => {
  const open = Object.entries(settings).filter(([, { proposal }]) => proposal);
  expect(open.map(([name]) => name).toSorted()).toEqual([...proposableSettings.autoscaler].toSorted());
});

test('the errors table has every code of the code, and no other', () => {
  const rows = [...section('errors').matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|$/gm)].map(([, code, text]) => [
    code,
    text,
  ]);
  expect(Object.fromEntries(rows)).toEqual(autoscalerErrors);
});

test('the example of queries can be read', () => {
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(section('queries')) ?? [];
  const queries = parseQueries(json);
  const values = { window: '5m', namespace: 'shop', names: ['web', 'api'], labels: { queue: 'orders' } };
  expect([...queries.values()].map(({ query }) => query.render(values))).toEqual([
    'sum by (deployment) (rate(http_requests_total{namespace="shop", deployment=~"(?:web|api)"}[5m]))',
    'sum(queue_length{namespace="shop", queue="orders"})',
  ]);
});

test("the adapter's rules name the metric of the annotations as it is asked for", () => {
  const [, short] = /`(\S+)<=0`/.exec(section('adapter annotations')) ?? [];
  const [, json = ''] = /`(\[\{.*\}\])`/.exec(section('adapter annotations')) ?? [];
  const [{ metric_name, window_size, object }] = JSON.parse(json) as [Record<string, unknown>];
  const named = [...section('adapter rules').matchAll(/name: \{ as: (\S+) \}/g)].map(([, name]) => name);
  const asked = settings.metricNamePattern.default
    ?.replace('<name>', String(metric_name))
    .replace('<window>', String(window_size));
  expect(named).toEqual([asked, asked]);
  expect(short).toBe(asked);
  expect(object).toEqual({ resource: 'pods', selector: 'app=web' });
});

test('every metric is named', async () => {
  const metrics = createMetrics();
  createObserver(metrics);
  observeSteps(metrics, { list: () => [], get: () => undefined, onChange: () => () => undefined }, systemClock);
  const text = await metrics.text();
  const names = [...text.matchAll(/^# TYPE scaler_autoscaler_(\w+)/gm)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(readme).toMatch(new RegExp(`(scaler_autoscaler|…)_${name}`));
});

test('the example works as it stands', async () => {
  const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const command = /npx scaler-autoscaler (--scaler .*)/.exec(readme)?.[1] ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'scaler-readme-'));
  const dlx = await startFakeDlx(quietDlx('dlx-1'));
  await writeFile(join(folder, 'my-scaler.mjs'), code);
  const args = command.replace('127.0.0.1:8081', peerText(dlx)).split(' ');
  const program = startProgram([...args, '--infra-port', '0', '--admin-port', '0'], folder);
  try {
    expect(await program.line(({ msg }) => msg === 'lamp switched')).toMatchObject({
      phase: 'asleep',
      reason: 'requests at the DLX is 0, not above 0, for 1s',
    });
  } finally {
    await program.stop();
    await dlx.close();
    await rm(folder, { recursive: true });
  }
});
