import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { eventReasons } from './events/announce.ts';
import { workloadScalerErrorCodes } from './errors.ts';
import { hopelessCells, hopelessTable } from './explain/hopeless.ts';
import { metricsOf } from './status/metrics.ts';
import { optionTable } from './config/options.ts';
import { settingTable } from './config/settings.ts';
import { namespace, startRig } from './testing/rig.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(folder, 'README.md'), 'utf8');

/** The rows of the table after a mark, cell by cell; `|` within a cell is written as `\|`. */
function table(mark: string): string[][] {
  const rows = (readme.split(`<!-- ${mark} -->`)[1] ?? '').trimStart().split('\n\n')[0] ?? '';
  return rows
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test('the table of annotations is that of the code', () => {
  expect(table('annotations')).toEqual(
    Object.entries(settingTable).map(([name, { doc }]) => [`\`scaler/${name}\``, doc]),
  );
});

test('the table of options is that of the code', () => {
  const rows = Object.entries(optionTable).map(([name, { default: fallback, doc }]) => [
    `\`${name}\``,
    fallback === '' ? '' : `\`${fallback}\``,
    doc,
  ]);
  expect(table('options')).toEqual(rows);
});

test('the tables of errors and Events are those of the code', () => {
  const rows = (codes: Readonly<Record<string, string>>): string[][] =>
    Object.entries(codes).map(([code, text]) => [`\`${code}\``, text]);
  expect(table('errors')).toEqual(rows(workloadScalerErrorCodes));
  expect(table('events')).toEqual(rows(eventReasons));
});

test('the table of metrics is that of the code', () => {
  const conflicts = { writers: () => [], reverts: new Map() } as never;
  const use = { free: 0, used: new Map(), refused: new Map() };
  const metrics = metricsOf(
    {
      conflicts,
      isDlxGone: () => false,
      startThrottle: { waiting: 0 } as never,
      dlx: {} as never,
      lostEvents: new Map(),
    },
    use,
  );
  expect(table('metrics').map(([name, help]) => [name?.replace(/\{.*\}/, ''), help])).toEqual(
    metrics.map(({ name, help }) => [`\`scaler_${name}\``, help]),
  );
});

test('the table of what is hopeless is that of the code', () => {
  expect(table('hopeless')).toEqual(hopelessTable.map(hopelessCells));
});

test('the example of a kind compiles', async () => {
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const program = join(folder, `readme-example-${process.pid}.ts`);
  try {
    await writeFile(program, `${code}\nconsole.log(typeof createResourceScaler);\n`);
    const args = ['--conditions=@scaler/source', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
    expect(stdout.trim()).toBe('function');
  } finally {
    await rm(program, { force: true });
  }
});

test('the example of the default scaler runs', async () => {
  const example = join(folder, '../../examples/deployment-scaler');
  const rig = await startRig();
  // Inside the package, so that its imports are found as a user's are.
  const program = join(example, `readme-example-${process.pid}.ts`);
  try {
    await rig.workload('web', { 'scaler/routing': 'selector' });
    await rig.waitForPeace('web');
    await rig.leader.putToSleep({ namespace, name: 'web' });
    const text = await readFile(join(example, 'README.md'), 'utf8');
    await writeFile(program, /```ts\n(.*?)```/s.exec(text)?.[1] ?? '');
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@scaler/source', program], {
      env: { ...process.env, KUBECONFIG: rig.cluster.kubeconfigPath, NODE_OPTIONS: '' },
    });
    // The logger tells of what is not installed in between.
    const told = stdout.split('\n').filter((line) => line.startsWith('shop/'));
    expect(told).toEqual(['shop/web is asleep', 'shop/web serves again']);
    expect(rig.read('web').spec.replicas).toBe(1);
  } finally {
    await rm(program, { force: true });
    await rig.close();
  }
}, 20_000);
