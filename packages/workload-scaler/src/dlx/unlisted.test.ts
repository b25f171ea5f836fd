import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectKube, type KubeClient } from '@scaler/kube';
import { type Logger, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeApi, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { whenUnlisted } from './unlisted.ts';

const gvr = 'discovery.k8s.io/v1/endpointslices';
let folder: string;
let api: FakeApi;
let client: KubeClient;
let mayRead: boolean;
let stop: AbortController;

beforeEach(async () => {
  mayRead = true;
  stop = new AbortController();
  api = await startFakeApi({ authorize: ({ resource }) => mayRead || resource !== 'endpointslices' });
  folder = await mkdtemp(join(tmpdir(), 'scaler-'));
  await writeFile(join(folder, 'config'), api.kubeconfig());
  client = await connectKube({ kubeconfig: join(folder, 'config'), userAgent: 'test', logger: silentLogger });
  api.store.create('v1/namespaces', { metadata: { name: 'shop' } });
});

afterEach(async () => {
  stop.abort();
  client.close();
  await api.close();
  await rm(folder, { recursive: true });
});

function name(service: string, addresses: readonly string[], managedBy = 'scaler'): void {
  const labels = { 'endpointslice.kubernetes.io/managed-by': managedBy, 'kubernetes.io/service-name': service };
  const endpoints = addresses.map((address) => ({ addresses: [address] }));
  const metadata = { namespace: 'shop', name: service, labels };
  const slice = { metadata, addressType: 'IPv4', endpoints, ports: [{ name: '', port: 20_001, protocol: 'TCP' }] };
  if (api.store.find(gvr, 'shop', service) === undefined) api.store.create(gvr, slice);
  else api.store.patch(gvr, 'shop', service, { type: 'merge', body: { endpoints } });
}

function wait(logger: Logger = silentLogger): { readonly ended: () => boolean; readonly promise: Promise<void> } {
  let ended = false;
  const context = { namespaces: undefined, clock: systemClock, logger };
  const promise = whenUnlisted(client, context, ['10.0.0.1', 'fd00::1'], stop.signal).then(() => void (ended = true));
  return { ended: () => ended, promise };
}

test('it ends when no slice of ours names any of its addresses', async () => {
  name('web', ['10.0.0.1', '10.0.0.2']);
  name('shop', ['10.0.0.1']);
  name('pods', ['10.0.0.1'], 'endpointslice-controller.k8s.io');
  const { ended, promise } = wait();
  while (!api.audit.entries({ verb: 'watch', gvr }).length) await new Promise(setImmediate);
  name('web', ['10.0.0.2']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(ended()).toBe(false);
  api.store.delete(gvr, 'shop', 'shop');
  await promise;
});

test('it ends at once where none does', async () => {
  name('web', ['10.0.0.2']);
  await wait().promise;
});

test('it ends with a warning where slices must not be read, so that an end is not held up by a missing right', async () => {
  mayRead = false;
  name('web', ['10.0.0.1']);
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, child: () => logger, warn: (message) => void warnings.push(message) };
  await wait(logger).promise;
  expect(warnings).toEqual(['Kind must not be read, as if there were no objects of it']);
});

test('it ends with its signal', async () => {
  name('web', ['10.0.0.1']);
  const { promise } = wait();
  stop.abort(new Error('too long'));
  await expect(promise).rejects.toThrow('too long');
});
