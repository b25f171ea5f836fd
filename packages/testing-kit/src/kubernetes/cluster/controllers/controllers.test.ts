import { afterEach, describe, expect, test } from '@jest/globals';
import { builtInKinds } from '../../api/kinds.ts';
import type { AnyObject, KubeObject } from '../../api/object.ts';
import { Store } from '../../api/store/store.ts';
import { createFakeClock, type FakeClock } from '../../../clock.ts';
import { closeControllers, type ControllerLag, type Controllers, startControllers } from './controllers.ts';
import { deploymentManifest, serviceManifest } from '../manifests.ts';
import { withCondition } from '../object-state.ts';
import {
  type Deployment,
  deployments,
  type EndpointSlice,
  endpointSlices,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
  type Service,
  services,
  type StatefulSet,
  statefulSets,
} from '../objects.ts';
import { rolloutUndo } from './rollout-undo.ts';

let running: Controllers | undefined;
let clock: FakeClock;
let store: Store;
let errors: Error[];

function start(lag: ControllerLag = 0): void {
  clock = createFakeClock();
  errors = [];
  store = new Store({
    clock,
    kinds: builtInKinds,
    random: Math.random,
    allocateClusterIp: () => '127.0.0.9',
    historyWindow: 100,
  });
  running = startControllers({ store, clock, onError: (error) => errors.push(error) }, lag);
}

afterEach(() => {
  if (running) closeControllers(running);
  expect(errors).toEqual([]);
});

/** Turns of the event loop: what the controllers do at once is done then. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await clock.advance(0);
}

const create = <T extends AnyObject = KubeObject>(gvr: string, object: object): T =>
  store.create<T>(gvr, object as KubeObject);
const listPods = (): Pod[] => store.list<Pod>(pods, { namespace: 'default' }).items;
const deployment = (name = 'app'): Deployment => store.find<Deployment>(deployments, 'default', name)!;
const sets = (): ReplicaSet[] => store.list<ReplicaSet>(replicaSets, { namespace: 'default' }).items;
const slices = (): EndpointSlice[] => store.list<EndpointSlice>(endpointSlices, { namespace: 'default' }).items;

function report(pod: Pod, ready: boolean, podIP: string): void {
  const bound = pod.spec.nodeName ? pod : (store.update(pods, { ...pod, spec: { ...pod.spec, nodeName: 'n' } }) as Pod);
  const condition = { type: 'Ready', status: ready ? 'True' : 'False' } as const;
  const conditions = withCondition(bound.status?.conditions, condition, clock.now());
  store.update(
    pods,
    { ...bound, status: { ...bound.status, phase: 'Running', podIP, conditions } },
    { subresource: 'status' },
  );
}

/** Plays the node: every pod that is not ready yet gets so; a terminating one goes. */
async function runPods(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await settle();
    const before = listPods();
    before.forEach((pod, index) => {
      if (pod.metadata.deletionTimestamp) store.delete(pods, 'default', pod.metadata.name!, { gracePeriodSeconds: 0 });
      else if (!pod.status?.podIP) report(pod, true, `127.9.${i}.${index + 1}`);
    });
  }
  await settle();
}

function change(spec: Partial<Deployment['spec']>): void {
  const before = deployment();
  store.update(deployments, { ...before, spec: { ...before.spec, ...spec } });
}

const withImage = (image: string): Partial<Deployment['spec']> => {
  const { template } = deployment().spec;
  return {
    template: { ...template, spec: { ...template.spec, containers: [{ ...template.spec.containers[0]!, image }] } },
  };
};

describe('the Deployment and ReplicaSet controllers', () => {
  test('make pods of a template and count them', async () => {
    start();
    create(deployments, deploymentManifest('default', 'app', { image: 'v1', replicas: 2, annotations: { note: 'a' } }));
    await runPods();
    const [set] = sets();
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata).toMatchObject({
      name: `app-${hash}`,
      annotations: { note: 'a', 'deployment.kubernetes.io/revision': '1' },
    });
    expect(listPods().map((pod) => pod.metadata.labels)).toEqual(
      Array(2).fill({ app: 'app', 'pod-template-hash': hash }),
    );
    const counts = { observedGeneration: 1, replicas: 2, readyReplicas: 2, availableReplicas: 2 };
    expect(set?.status).toMatchObject(counts);
    expect(deployment().status).toMatchObject({ ...counts, updatedReplicas: 2 });
    expect(deployment().metadata).toMatchObject({
      generation: 1,
      annotations: { 'deployment.kubernetes.io/revision': '1' },
    });
    const conditions = Object.fromEntries(deployment().status!.conditions!.map((c) => [c.type, c.status]));
    expect(conditions).toEqual({ Available: 'True', Progressing: 'True' });
  });

  test('roll over within maxSurge and maxUnavailable', async () => {
    start();
    create(deployments, deploymentManifest('default', 'app', { image: 'v1', replicas: 4 }));
    await runPods();
    change({ strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    await settle();
    let [most, least] = [0, 99];
    const off = store.watch(pods, () => {
      const live = listPods().filter((pod) => !pod.metadata.deletionTimestamp);
      most = Math.max(most, live.length);
      least = Math.min(least, live.filter((pod) => pod.status?.podIP).length);
    });
    change(withImage('v2'));
    await runPods();
    off();
    expect([least, most]).toEqual([4, 5]);
    expect(listPods().map((pod) => pod.spec.containers[0]?.image)).toEqual(['v2', 'v2', 'v2', 'v2']);
    expect(
      sets()
        .map((set) => set.spec.replicas)
        .sort(),
    ).toEqual([0, 4]);
    expect(deployment().metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '2' });
  });

  test('recreate only when the old pods are gone', async () => {
    start();
    create(deployments, deploymentManifest('default', 'app', { image: 'v1', replicas: 2 }));
    await runPods();
    change({ ...withImage('v2'), strategy: { type: 'Recreate' } });
    await settle();
    expect(listPods().every((pod) => pod.spec.containers[0]?.image === 'v1' && pod.metadata.deletionTimestamp)).toBe(
      true,
    );
    await runPods();
    expect(listPods().map((pod) => pod.spec.containers[0]?.image)).toEqual(['v2', 'v2']);
  });

  test('roll back with the old annotations and the present labels', async () => {
    start();
    create(deployments, deploymentManifest('default', 'app', { image: 'v1', annotations: { state: 'old' } }));
    await runPods();
    const before = deployment();
    store.update(deployments, {
      ...before,
      metadata: {
        ...before.metadata,
        labels: { ...before.metadata.labels, phase: 'new' },
        annotations: { ...before.metadata.annotations, state: 'new', later: 'x' },
      },
      spec: { ...before.spec, ...withImage('v2') },
    });
    await runPods();
    rolloutUndo(store, 'default', 'app');
    await runPods();
    const { metadata, spec } = deployment();
    expect(spec.template.spec.containers[0]?.image).toBe('v1');
    expect(metadata.labels).toEqual({ app: 'app', phase: 'new' });
    expect(metadata.annotations).toEqual({ state: 'old', 'deployment.kubernetes.io/revision': '3' });
    expect(
      sets()
        .map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision'])
        .sort(),
    ).toEqual(['2', '3']);
  });

  test('let pods look alive for a while after zero, if they are slow', async () => {
    start({ replicaset: 100 });
    create(deployments, deploymentManifest('default', 'app', { image: 'v1' }));
    await clock.advance(100);
    await runPods();
    await clock.advance(200);
    change({ replicas: 0 });
    await settle();
    expect(deployment().status).toMatchObject({ observedGeneration: 2, readyReplicas: 1 });
    expect(sets()[0]).toMatchObject({
      metadata: { generation: 2 },
      status: { observedGeneration: 1, readyReplicas: 1 },
    });
    expect(listPods()[0]?.metadata.deletionTimestamp).toBeUndefined();
    await clock.advance(100);
    // Observed, and the counts still those of before.
    expect(sets()[0]?.status).toMatchObject({ observedGeneration: 2, readyReplicas: 1 });
    expect(listPods()[0]?.metadata.deletionTimestamp).toBeDefined();
    await clock.advance(100);
    expect(sets()[0]?.status?.replicas).toBe(0);
  });

  test('do nothing but scale while paused', async () => {
    start();
    create(deployments, deploymentManifest('default', 'app', { image: 'v1' }));
    await runPods();
    change({ ...withImage('v2'), paused: true, replicas: 2 });
    await runPods();
    expect(listPods().map((pod) => pod.spec.containers[0]?.image)).toEqual(['v1', 'v1']);
  });
});

test('the dependents of a deleted Deployment go too', async () => {
  start();
  create(deployments, deploymentManifest('default', 'app', { image: 'v1', replicas: 2 }));
  await runPods();
  store.delete(deployments, 'default', 'app');
  await runPods();
  expect([sets(), listPods()]).toEqual([[], []]);
});

test('a dependent that comes after its owner has gone goes as well', async () => {
  start();
  const owner = create(deployments, deploymentManifest('default', 'app', { image: 'v1', replicas: 0 }));
  await settle();
  const [set] = sets();
  store.delete(deployments, 'default', 'app');
  await settle();
  expect(sets()).toEqual([]);
  create(replicaSets, { metadata: { ...set!.metadata, resourceVersion: undefined, uid: undefined }, spec: set!.spec });
  expect(sets()[0]?.metadata.ownerReferences?.[0]?.uid).toBe(owner.metadata.uid);
  await settle();
  expect(sets()).toEqual([]);
});

describe('the StatefulSet controller', () => {
  const make = (replicas: number): void =>
    void create(statefulSets, {
      metadata: { namespace: 'default', name: 'db' },
      spec: {
        replicas,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
      },
    });
  const names = (): string[] => listPods().map((pod) => pod.metadata.name!);
  const current = (): StatefulSet => store.get<StatefulSet>(statefulSets, 'default', 'db')!;

  test('makes pods in order, each when the one before is ready, and takes the highest first', async () => {
    start();
    make(2);
    await settle();
    expect(names()).toEqual(['db-0']);
    report(listPods()[0]!, true, '127.9.0.1');
    await settle();
    expect(names()).toEqual(['db-0', 'db-1']);
    report(listPods()[1]!, true, '127.9.0.2');
    await settle();
    expect(current().status).toMatchObject({ observedGeneration: 1, replicas: 2, readyReplicas: 2 });
    store.update(statefulSets, { ...current(), spec: { ...current().spec, replicas: 0 } });
    await settle();
    expect(listPods().map((pod) => pod.metadata.deletionTimestamp !== undefined)).toEqual([false, true]);
    await runPods();
    expect(current().status).toMatchObject({ observedGeneration: 2, replicas: 0 });
    expect(names()).toEqual([]);
  });

  test('replaces pods of an old template', async () => {
    start();
    make(2);
    await runPods();
    const template = current().spec.template;
    const containers = [{ name: 'c', image: 'v2' }];
    store.update<Pod>(statefulSets, {
      ...current(),
      spec: { ...current().spec, template: { ...template, spec: { ...template.spec, containers } } },
    });
    await runPods();
    expect(listPods().map((pod) => pod.spec.containers[0]?.image)).toEqual(['v2', 'v2']);
    expect(current().status?.currentRevision).toBe(current().status?.updateRevision);
  });
});

describe('the EndpointSlice controller', () => {
  const pod = (name: string, ports: object[], labels = { app: 'app' }): Pod =>
    create<Pod>(pods, {
      metadata: { namespace: 'default', name, labels },
      spec: { containers: [{ name: 'c', image: 'i', ports }] },
    });

  test('lists the selected pods with their conditions, in a slice that the Service owns', async () => {
    start();
    const service = create(
      services,
      serviceManifest('default', 'web', { selector: { app: 'app' }, port: 80, targetPort: 8080 }),
    );
    const [ready, waiting, leaving] = ['a', 'b', 'c'].map((name) => pod(name, []));
    pod('other', [], { app: 'other' });
    report(ready!, true, '127.9.0.1');
    report(waiting!, false, '127.9.0.2');
    report(leaving!, true, '127.9.0.3');
    store.delete(pods, 'default', 'c');
    await settle();
    const [slice, ...rest] = slices();
    expect(rest).toEqual([]);
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        labels: {
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'web', uid: service.metadata.uid, controller: true }],
      },
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    });
    const found = slice?.endpoints?.map(({ addresses, conditions }) => [addresses[0], conditions]);
    expect(found).toEqual([
      ['127.9.0.1', { ready: true, serving: true, terminating: false }],
      ['127.9.0.2', { ready: false, serving: false, terminating: false }],
      ['127.9.0.3', { ready: false, serving: true, terminating: true }],
    ]);
  });

  test('resolves named ports for each pod', async () => {
    start();
    create(
      services,
      serviceManifest('default', 'web', { selector: { app: 'app' }, port: 80, targetPort: 'http', portName: 'main' }),
    );
    report(pod('a', [{ name: 'http', containerPort: 1111 }]), true, '127.9.0.1');
    report(pod('b', [{ name: 'http', containerPort: 2222 }]), true, '127.9.0.2');
    await settle();
    const found = slices().map(({ ports, endpoints }) => [
      ports?.[0]?.name,
      ports?.[0]?.port,
      endpoints?.[0]?.addresses[0],
    ]);
    expect(found.sort()).toEqual([
      ['main', 1111, '127.9.0.1'],
      ['main', 2222, '127.9.0.2'],
    ]);
  });

  test('keeps an empty slice, with null lists, for a selector that matches nothing', async () => {
    start();
    create(services, serviceManifest('default', 'web', { selector: { app: 'app' }, port: 80 }));
    await settle();
    expect(slices()).toMatchObject([{ endpoints: null, ports: null }]);
    const { name } = slices()[0]!.metadata;
    report(pod('a', []), true, '127.9.0.1');
    await settle();
    expect(slices()).toMatchObject([{ metadata: { name }, endpoints: [{ addresses: ['127.9.0.1'] }] }]);
    const service = store.get<Service>(services, 'default', 'web')!;
    store.update(services, { ...service, spec: { ...service.spec, selector: { app: 'app', asleep: 'x' } } });
    await settle();
    expect(slices()).toMatchObject([{ metadata: { name }, endpoints: null, ports: null }]);
  });

  test('writes nothing for a Service without a selector', async () => {
    start();
    create(services, serviceManifest('default', 'web', { selector: null, port: 80 }));
    pod('a', []);
    await settle();
    expect(slices()).toEqual([]);
  });

  test('restores a slice that was deleted by hand, and deletes slices with their Service', async () => {
    start();
    create(services, serviceManifest('default', 'web', { selector: { app: 'app' }, port: 80 }));
    await settle();
    store.delete(endpointSlices, 'default', slices()[0]!.metadata.name!);
    await settle();
    expect(slices()).toHaveLength(1);
    store.delete(services, 'default', 'web');
    await settle();
    expect(slices()).toEqual([]);
  });

  test('splits more than a hundred endpoints', async () => {
    start();
    create(services, serviceManifest('default', 'web', { selector: { app: 'app' }, port: 80 }));
    for (let i = 0; i < 120; i++) report(pod(`p${i}`, []), true, `127.9.1.${i}`);
    await settle();
    expect(
      slices()
        .map(({ endpoints }) => endpoints?.length)
        .sort(),
    ).toEqual([100, 20]);
  });
});
