import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { startFakeApi } from '@scaler/testing-kit/kubernetes';
import { kubeErrorCodes, unknownMetricCodes } from './index.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(folder, 'README.md'), 'utf8');

/** Code and meaning of each row of the table after a mark. */
function table(mark: string): Record<string, string> {
  const rows = (readme.split(`<!-- ${mark} -->`)[1] ?? '').trimStart().split('\n\n')[0] ?? '';
  return Object.fromEntries(
    [...rows.matchAll(/^\| `([^`]+)`\s*\|\s*(.*?)\s*\|$/gm)].map(([, code, text]) => [code, text]),
  );
}

test('the table of errors is that of the code', () => {
  expect(table('errors')).toEqual(kubeErrorCodes);
});

test('the table of unknown metrics is that of the code', () => {
  expect(table('unknown metrics')).toEqual(unknownMetricCodes);
});

test('the example runs', async () => {
  const api = await startFakeApi();
  // Inside the package, so that its imports are found as a user's are.
  const work = await mkdtemp(join(tmpdir(), 'kube-readme-'));
  const program = join(folder, `readme-example-${process.pid}.ts`);
  try {
    const kubeconfig = join(work, 'config');
    await writeFile(kubeconfig, api.kubeconfig());
    await writeFile(program, /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '');
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    api.store.create('v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    api.store.create('apps/v1/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 'shop', name: 'web', labels },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@scaler/source', program], {
      env: { ...process.env, KUBECONFIG: kubeconfig, NODE_OPTIONS: '' },
    });
    expect(stdout).toContain("deployments [ { name: 'web', replicas: 2 } ] silent false");
    expect(stdout).toMatch(/written\nanother writer was faster\n/);
  } finally {
    await rm(program, { force: true });
    await rm(work, { recursive: true });
    await api.close();
  }
});
