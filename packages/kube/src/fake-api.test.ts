import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type FakeApi, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { connectKube, createElection, jsonPatch, type KubeClient, kinds, type Store, watchStore } from './index.ts';
import { until } from './testing/scripted-api.ts';

const clock = systemClock;
const ref = { namespace: 'shop', name: 'web' };
const phase = jsonPatch.pointer('metadata', 'labels', 'scaler/phase');

let api: FakeApi;
let client: KubeClient;
let folder: string;
let stop: AbortController;
let running: Promise<unknown>[];

beforeEach(async () => {
  api = await startFakeApi({ bookmarkIntervalMs: 100 });
  folder = await mkdtemp(join(tmpdir(), 'kube-'));
  const kubeconfig = join(folder, 'config');
  await writeFile(kubeconfig, api.kubeconfig());
  client = await connectKube({ kubeconfig, userAgent: 'kube-test', clock, logger: silentLogger });
  stop = new AbortController();
  running = [];
  await client.create(kinds.namespace, { metadata: { name: 'shop' } }).catch(() => undefined);
  await create('web', 1);
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  client.close();
  await api.close();
  await rm(folder, { recursive: true });
});

async function create(name: string, replicas: number): Promise<void> {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await client.create(kinds.deployment, {
    metadata: { ...ref, name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template },
  });
}

async function store(bookmarkLimitMs?: number): Promise<Store<{ name: string; replicas: number }>> {
  const trim = ({ metadata, spec }: { metadata?: { name?: string }; spec?: { replicas?: number } }) => ({
    name: metadata?.name ?? '',
    replicas: spec?.replicas ?? 1,
  });
  const made = watchStore({ client, kind: kinds.deployment, trim, clock, logger: silentLogger, bookmarkLimitMs });
  running.push(made.run(stop.signal));
  await made.whenSynced();
  return made;
}

const scaleTo = (replicas: number) =>
  client.patch(kinds.deployment, ref, [jsonPatch.replace('/spec/replicas', replicas)]);

test('a patch that tests labels wins once, and the loser gets an error', async () => {
  await client.patch(kinds.deployment, ref, [jsonPatch.testAbsent(phase), jsonPatch.add(phase, 'awake')]);
  const again = client.patch(kinds.deployment, ref, [jsonPatch.testAbsent(phase), jsonPatch.add(phase, 'waking')]);
  await expect(again).rejects.toMatchObject({ code: 'test-failed' });
});

test('/scale is written at the version that was read, and not at another', async () => {
  const { metadata } = await client.get(kinds.deployment, ref);
  const resourceVersion = metadata?.resourceVersion ?? '';
  await client.putScale(kinds.deployment, ref, { replicas: 3, resourceVersion });
  await expect(client.putScale(kinds.deployment, ref, { replicas: 4, resourceVersion })).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(client.get(kinds.deployment, ref)).resolves.toMatchObject({ spec: { replicas: 3 } });
});

test('a write whose answer is lost was done, and its error says that it may have been', async () => {
  api.faults.add({ verb: 'patch', times: 1, action: { type: 'dropAfter' } });
  await expect(scaleTo(0)).rejects.toMatchObject({ code: 'write-outcome-unknown' });
  await expect(client.get(kinds.deployment, ref)).resolves.toMatchObject({ spec: { replicas: 0 } });
});

test('a store survives cut watches and a restart of the API server', async () => {
  const deployments = await store();
  api.faults.add({ verb: 'watch', times: 1, action: { type: 'cutWatch' } });
  await scaleTo(2);
  await until(() => deployments.get('shop', 'web')?.replicas === 2);
  await api.restart({ downMs: 300 });
  await until(() => deployments.failures.length === 0);
  await scaleTo(5);
  await until(() => deployments.get('shop', 'web')?.replicas === 5);
  expect(deployments.relists).toBe(0);
});

test('a store whose watch is frozen asks for what has changed; one that gets no answer is silent until it is whole again', async () => {
  const deployments = await store(1_000);
  const frozen = api.faults.add({ verb: 'watch', action: { type: 'freezeWatch' } });
  await scaleTo(7);
  await until(() => deployments.get('shop', 'web')?.replicas === 7);
  expect(deployments.silent).toBe(false);
  const unanswered = api.faults.add({ verb: 'list', action: { type: 'error', status: 503 } });
  await until(() => deployments.silent);
  frozen.remove();
  unanswered.remove();
  await until(() => !deployments.silent);
});

test('elections work against its optimistic locking', async () => {
  const leaders: string[] = [];
  const stops = ['a', 'b', 'c'].map((identity) => {
    const stopOne = new AbortController();
    const election = createElection({
      client,
      namespace: 'shop',
      name: 'l',
      identity,
      retryPeriodMs: 50,
      clock,
      logger: silentLogger,
    });
    running.push(
      election.run(stopOne.signal, async ({ signal }) => {
        leaders.push(identity);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        leaders.push(`-${identity}`);
      }),
    );
    return { identity, stopOne };
  });
  for (let round = 0; round < 3; round++) {
    await until(() => leaders.length === round * 2 + 1);
    stops.find(({ identity }) => identity === leaders.at(-1))?.stopOne.abort();
  }
  await until(() => leaders.length === 6);
  expect(leaders.map((l) => l.replace('-', '')).filter((_, i) => i % 2 === 0)).toHaveLength(3);
  expect(leaders.every((l, i) => i % 2 === 0 || l === `-${leaders[i - 1]}`)).toBe(true);
});
