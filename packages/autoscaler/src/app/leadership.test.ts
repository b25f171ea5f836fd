import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startFakeApi } from '@scaler/testing-kit/kubernetes';
import { connectKube, type KubeClient } from '@scaler/kube';
import { type ConfigValues, createMetrics, loadConfig } from '@scaler/runtime';
import { createFastClock, silentLogger } from '@scaler/testing-kit';
import { leadershipOf } from './leadership.ts';
import { createObserver } from '../observe/metrics.ts';
import { type Settings, settings } from './settings.ts';

// Thirty times as fast, so that the Lease's times pass in half a second.
const clock = createFastClock(30);

function valuesOf(...argv: string[]): ConfigValues<Settings> {
  return loadConfig(settings, { argv, env: {} }).values;
}

function leadership(values: ConfigValues<Settings>, kube: KubeClient | undefined) {
  return leadershipOf(values, {
    kube,
    identity: 'a-1',
    observer: createObserver(createMetrics()),
    clock,
    logger: silentLogger,
  });
}

test('without a Lease it always leads, until the end', async () => {
  const stop = new AbortController();
  const lead = leadership(valuesOf('--no-lease'), undefined);
  let signal: AbortSignal | undefined;
  let careful: boolean | undefined;
  const ended = lead.run((given, isSuccessor) => {
    signal = given;
    careful = isSuccessor;
    return new Promise((resolve) => given.addEventListener('abort', () => resolve(), { once: true }));
  }, stop.signal);
  expect(lead.held).toBe(true);
  // What an earlier process of it has seen is unknown.
  expect(careful).toBe(true);
  stop.abort();
  expect(lead.held).toBe(false);
  expect(signal?.aborted).toBe(true);
  await ended;
});

test('with a Lease it leads while it holds it: when another replica takes it, the work is aborted', async () => {
  const api = await startFakeApi();
  const folder = await mkdtemp(join(tmpdir(), 'scaler-lease-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig());
  const kube = await connectKube({ kubeconfig, userAgent: 'test', logger: silentLogger });
  const stop = new AbortController();
  try {
    const values = valuesOf('--lease-namespace', 'default', '--lease-duration', '3s');
    const lead = leadership(values, kube);
    const begun = Promise.withResolvers<AbortSignal>();
    const successors: boolean[] = [];
    const ended = lead.run(async (signal, isSuccessor) => {
      successors.push(isSuccessor);
      begun.resolve(signal);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }, stop.signal);
    const signal = await begun.promise;
    expect(lead.held).toBe(true);
    expect(api.store.get('coordination.k8s.io/v1/leases', 'default', 'scaler-autoscaler')).toMatchObject({
      spec: { leaseDurationSeconds: 3 },
    });
    const lost = new Promise((resolve) => signal.addEventListener('abort', () => resolve(lead.held), { once: true }));
    await takeLease(kube, 'a-2');
    expect(await lost).toBe(false);
    stop.abort();
    await ended;
    // Released by then: the next one takes what another had.
    const again = new AbortController();
    await leadership(values, kube).run((_, isSuccessor) => {
      successors.push(isSuccessor);
      again.abort();
      return Promise.resolve();
    }, again.signal);
    expect(successors).toEqual([false, true]);
  } finally {
    stop.abort();
    kube.close();
    await api.close();
    await rm(folder, { recursive: true });
  }
});

/** Writes another holder, as one does whose clock says that the Lease has run out. */
async function takeLease(kube: KubeClient, holder: string): Promise<void> {
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/scaler-autoscaler';
  const body = { spec: { holderIdentity: holder, renewTime: new Date().toISOString().replace('Z', '000Z') } };
  await kube.request('PATCH', path, { body, contentType: 'application/merge-patch+json' });
}

test('a missing namespace of the Lease stops the start', () => {
  const kube = { namespace: undefined } as unknown as KubeClient;
  expect(() => leadership(valuesOf(), kube)).toThrow('--lease-namespace is missing');
});
