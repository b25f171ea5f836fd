import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createEchoImage,
  type DeploymentOptions,
  type EchoImage,
  type EmbeddedCluster,
  startEmbeddedCluster,
} from '@scaler/testing-kit/kubernetes';
import { type Endpoint, systemClock, type Target } from '@scaler/scaler-types';
import { recordingLogger } from '@scaler/testing-kit';
import { createEndpoints, type Endpoints } from './endpoints.ts';
import { type KubeClient, kinds, type Pod, watchStore } from '@scaler/kube';
import { newEpoch } from '../workload/token.ts';
import { readWorkload, type Workload } from '../workload/workload.ts';
import { transition } from '../workload/transition.ts';
import { trimDeployment, workloadKinds } from '../testing/kinds.ts';
import { trimPod, trimReplicaSet } from './pod-info.ts';
import { trimService } from '../routing/service-info.ts';
import { clientOf } from '../testing/fake-client.ts';

const ref = { namespace: 'shop', name: 'web' };
const target: Target = { resource: ref, service: 'web', port: 80 };
const kind = workloadKinds.deployment;
const readinessProbe = { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 };
const port = 8080;

let cluster: EmbeddedCluster;
let image: EchoImage;
let client: KubeClient;
let endpoints: Endpoints;
let stop: AbortController;
let running: Promise<unknown>;
let logger: ReturnType<typeof recordingLogger>;
/** What the one listener heard, newest last. */
let told: (readonly Endpoint[])[];
let onTold: () => void;

beforeEach(async () => {
  image = createEchoImage();
  cluster = await startEmbeddedCluster({ images: { echo: image } });
  client = await clientOf(cluster.api);
  stop = new AbortController();
  logger = recordingLogger();
  told = [];
  onTold = () => undefined;
});

afterEach(async () => {
  endpoints.close();
  stop.abort();
  await running;
  client.close();
  await cluster.close();
  expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

async function start(options: Partial<DeploymentOptions> = {}): Promise<void> {
  await cluster.deployment('shop', 'web', { image: 'echo', port, readinessProbe, ...options });
  await cluster.service('shop', 'web', { port: 80, targetPort: 'http' });
  await watchAll();
}

async function watchAll(): Promise<void> {
  const common = { client, clock: systemClock, logger };
  const workloads = watchStore({ ...common, kind: kinds.deployment, trim: trimDeployment });
  const replicaSets = watchStore({ ...common, kind: kinds.replicaSet, trim: trimReplicaSet });
  const pods = watchStore({ ...common, kind: kinds.pod, trim: trimPod });
  const services = watchStore({ ...common, kind: kinds.service, trim: trimService });
  const stores = [workloads, replicaSets, pods, services];
  for (const store of [replicaSets, pods]) store.addIndex('owner', ({ ownerUid }) => [ownerUid ?? '']);
  endpoints = createEndpoints({
    ...{ ...common, workloads: [{ kind, store: workloads }], replicaSets, pods, services },
    workloadOf: ({ namespace, name }) => workloads.get(namespace, name),
  });
  running = Promise.all(stores.map((store) => store.run(stop.signal)));
  await Promise.all(stores.map((store) => store.whenSynced(stop.signal)));
}

function watch(): void {
  const listener = (list: readonly Endpoint[]): void => {
    told.push(list);
    onTold();
  };
  endpoints.watch(target, listener, stop.signal);
}

function until(holds: (now: readonly Endpoint[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    onTold = () => {
      if (!holds(told.at(-1) ?? [])) return;
      onTold = () => undefined;
      resolve();
    };
    onTold();
  });
}

async function pods(): Promise<Pod[]> {
  return (await client.list(kinds.pod, { namespace: 'shop', trim: (pod) => pod })).items;
}

async function alive(): Promise<string[]> {
  return (await pods()).flatMap(({ metadata }) => (metadata?.deletionTimestamp ? [] : (metadata?.uid ?? [])));
}

async function swap(to: 'asleep' | 'waking', replicas: number): Promise<Workload> {
  const workload = (await readWorkload(client, kind, ref, {})) as Workload;
  const request = {
    kind,
    workload,
    to,
    epoch: newEpoch(),
    by: 'test',
    reason: 'test',
    since: new Date().toISOString(),
  };
  const result = await transition(client, { ...request, replicas, wanted: 1 }, { lane: 'wake' });
  if (!result.ok) throw new Error('lost the race');
  return result.workload;
}

const some = (now: readonly Endpoint[]): boolean => now.length > 0;
const none = (now: readonly Endpoint[]): boolean => now.length === 0;

describe('a target', () => {
  test('has the pods that are ready, at the port that the container names', async () => {
    await start({ replicas: 2 });
    watch();
    expect(told).toHaveLength(1);
    await until((now) => now.length === 2);
    expect(
      told
        .at(-1)
        ?.map(({ id }) => id)
        .sort(),
    ).toEqual((await alive()).sort());
    expect(new Set(told.at(-1)?.map((endpoint) => endpoint.port))).toEqual(new Set([port]));
    await told.at(-1)?.[0]?.check?.(stop.signal);
  });

  test('loses a pod when it is deleted, before it is gone', async () => {
    await start({ preStopSeconds: 1 });
    watch();
    await until(some);
    const [first] = await alive();
    const [pod] = await pods();
    await client.delete(kinds.pod, { namespace: 'shop', name: pod?.metadata?.name ?? '' });
    await until((now) => now.every(({ id }) => id !== first));
    expect((await pods()).some(({ metadata }) => metadata?.uid === first)).toBe(true);
  });

  test('has nothing while its Service does not select the pods or has no such port', async () => {
    await start();
    watch();
    await until(some);
    await client.patch(kinds.service, ref, { spec: { selector: { app: 'other' } } });
    await until(none);
    await client.patch(kinds.service, ref, { spec: { selector: { app: 'web', 'scaler/asleep': 'e1' } } });
    await until(some);
    await client.patch(kinds.service, ref, { spec: { ports: [{ port: 81, targetPort: 'http' }] } });
    await until(none);
  });

  test('tells several watchers, each until its own end', async () => {
    await start();
    const one = new AbortController();
    await endpoints.whenUsable(target, one.signal);
    watch();
    await until(some);
    await expect(endpoints.whenUsable({ ...target, port: 99 }, AbortSignal.abort('gone'))).rejects.toBe('gone');
    const waiting = endpoints.whenUsable({ ...target, port: 99 }, one.signal);
    one.abort('enough');
    await expect(waiting).rejects.toBe('enough');
  });
});

describe('readiness', () => {
  test('is found by our own probe before the kubelet says it', async () => {
    await start({ replicas: 0, readinessProbe: { ...readinessProbe, initialDelaySeconds: 30 } });
    watch();
    endpoints.observe(await swap('waking', 1));
    await until(some);
    const [pod] = await pods();
    expect(pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).not.toBe('True');
  });

  test('of a pod without a probe is that it accepts connections', async () => {
    image.behaviour.startDelayMs = 150;
    const { readinessProbe: _none, ...options } = { readinessProbe, replicas: 0 };
    await cluster.deployment('shop', 'web', { image: 'echo', port, ...options });
    await cluster.service('shop', 'web', { port: 80, targetPort: 'http' });
    await watchAll();
    watch();
    endpoints.observe(await swap('waking', 1));
    await until(some);
    await fetch(`http://${told.at(-1)?.[0]?.address}:${port}/`).then((response) => response.text());
  });
});

describe('a wake right after a sleep', () => {
  async function sleepAndWake(): Promise<void> {
    await until((now) => now.length === 2);
    await swap('asleep', 0);
    const woken = await swap('waking', 2);
    endpoints.observe(woken);
    told.length = 0;
  }

  /** Whatever is told from now on has to be alive at the API, with the controllers' work done. */
  async function settled(): Promise<void> {
    await cluster.waitFor(async () => {
      const { status, metadata } = await client.get(kinds.deployment, ref);
      return status?.observedGeneration === metadata?.generation && status?.readyReplicas === 2;
    });
    await until((now) => now.length === 2);
    const uids = await alive();
    for (const { id } of told.flat()) expect(uids).toContain(id);
  }

  test.each([
    ['late controllers', { deployment: 30, replicaset: 60 }],
    ['a late ReplicaSet controller', { replicaset: 100 }],
    ['prompt controllers', {}],
  ])('never shows pods that are about to be deleted: %s', async (_, lags) => {
    await start({ replicas: 2 });
    for (const [name, lagMs] of Object.entries(lags)) cluster.controllers[name as 'deployment'].lagMs = lagMs;
    watch();
    await sleepAndWake();
    await settled();
  });

  test('is heard of in spite of watches that lag behind', async () => {
    await start({ replicas: 2 });
    watch();
    await until((now) => now.length === 2);
    cluster.api.faults.add({ verb: 'watch', resource: 'pods', action: { type: 'staleWatch', ms: 300 } });
    cluster.controllers.replicaset.lagMs = 50;
    await sleepAndWake();
    await settled();
  });

  test('is read live where the watch of ReplicaSets says nothing', async () => {
    await start({ replicas: 2 });
    watch();
    await until((now) => now.length === 2);
    cluster.api.faults.add({ verb: 'watch', resource: 'replicasets', action: { type: 'freezeWatch' } });
    await sleepAndWake();
    await settled();
  });
});

test('pods that the watch does not tell of are found by a live read', async () => {
  await start({ replicas: 0 });
  watch();
  cluster.api.faults.add({ verb: 'watch', resource: 'pods', action: { type: 'freezeWatch' } });
  endpoints.observe(await swap('waking', 2));
  await cluster.waitFor(async () => (await client.get(kinds.deployment, ref)).status?.readyReplicas === 2);
  expect(told.at(-1)).toEqual([]);
  await endpoints.readLive(ref, stop.signal);
  await until((now) => now.length === 2);
});

test('from the pod being Ready to the listener takes milliseconds', async () => {
  // Only the kubelet can tell here: a probe of ours would be first.
  await start({ replicas: 0, readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } as never });
  watch();
  const ready = new Map<string, number>();
  const unwatch = cluster.api.store.watch('v1/pods', ({ object }) => {
    const { metadata, status } = object as unknown as Pod;
    const isReady = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
    if (isReady && !ready.has(metadata?.uid ?? '')) ready.set(metadata?.uid ?? '', performance.now());
  });
  endpoints.observe(await swap('waking', 1));
  await until(some);
  const tookMs = performance.now() - (ready.get(told.at(-1)?.[0]?.id ?? '') ?? 0);
  unwatch();
  expect(tookMs).toBeLessThan(200);
});
