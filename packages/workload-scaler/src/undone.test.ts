import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

/** What a park must not do: what a wake could not undo. */

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const deployments = 'apps/v1/deployments';

async function awake(annotations: Record<string, string> = {}, replicas = 1, options = {}): Promise<Rig> {
  const one = (rig = await startRig(options));
  await one.workload('web', { 'scaler/routing': 'selector', ...annotations });
  patch(one, { spec: { replicas } });
  await one.until(
    () => one.cluster.api.store.get(deployments, namespace, 'web').status?.['readyReplicas'] === replicas,
  );
  await one.waitForPeace('web');
  return one;
}

const patch = ({ cluster }: Rig, body: object, gvr = deployments): void =>
  void cluster.api.store.patch(gvr, namespace, 'web', { type: 'merge', body });

describe.each(['overlay', 'selector', 'always'])('asleep in %s, with 3 replicas', (routing) => {
  test.each([
    ['the state is lost', { annotations: { 'scaler/state': null } }],
    [
      'an older state comes back, as `kubectl rollout undo` brings it',
      { annotations: { 'scaler/state': '{"epoch":"old","uid":"","since":"2026-01-01T00:00:00Z","replicas":1}' } },
    ],
    [
      'its labels are lost with it',
      { labels: { 'scaler/phase': null, 'scaler/epoch': null }, annotations: { 'scaler/state': null } },
    ],
  ])('%s: it wakes with 3', async (_, metadata) => {
    const one = await awake({ 'scaler/routing': routing }, 3);
    await one.leader.putToSleep(ref);
    await one.waitForDlxOnly('web');
    patch(one, { metadata });
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPhase('web', 'awake');
    expect(one.read('web').spec.replicas).toBe(3);
  });
});

describe('its manifest is replaced while it sleeps', () => {
  test.each([
    ['without our labels', { 'scaler/enabled': 'true' }],
    ['without any', {}],
  ])('%s: the DLX holds on, and a request gets through', async (_, labels) => {
    const one = await awake();
    await one.leader.putToSleep(ref);
    await one.waitForDlxOnly('web');
    const { store } = one.cluster.api;
    // The leader decides late.
    const late = Promise.withResolvers<void>();
    for (const resource of ['services', 'endpointslices']) {
      const action = { type: 'hook', hook: () => late.promise } as const;
      one.cluster.api.faults.add({ userAgent: one.leader.name, resource, action });
    }
    const object = store.get(deployments, namespace, 'web');
    const { name, uid } = object.metadata;
    store.update(deployments, {
      ...object,
      metadata: { namespace, name, uid, labels, annotations: { 'scaler/routing': 'selector' } },
      spec: { ...(object['spec'] as object), replicas: 1 },
    });
    const answer = ask(one.url('web'));
    late.resolve();
    expect(await answer).toBe(200);
  });
});

test('what our slices still lead to the DLX is not taken for gone there, though it has lost its labels', async () => {
  const one = await awake();
  await one.leader.putToSleep(ref);
  await one.workload('other');
  one.leader.kill();
  const removed: string[] = [];
  const stop = new AbortController();
  const watching = one.dlxScaler.watchResources?.((change) => {
    if (change.type === 'removed') removed.push(change.resource.name);
  }, stop.signal);
  const labels = Object.keys(one.read('web').metadata.labels ?? {});
  patch(one, { metadata: { labels: Object.fromEntries(labels.map((label) => [label, null])) } });
  await one.until(() => one.phase('web') === undefined);
  // It is gone from there for a second, and this one began later.
  one.cluster.api.store.delete(deployments, namespace, 'other');
  await one.until(() => removed.length > 0);
  expect(removed).toEqual(['other']);
  stop.abort();
  await watching;
});

test('claims that Kubernetes deletes when it is scaled down: it is not parked, and says why', async () => {
  const one = await awake();
  await one.cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      namespace,
      name: 'db',
      labels: { 'scaler/enabled': 'true' },
      annotations: { 'scaler/routing': 'selector' },
    },
    spec: {
      ...{ replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } } },
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' },
      template: {
        metadata: { labels: { app: 'db' } },
        spec: { containers: [{ name: 'app', image: 'echo', ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
    },
  });
  await one.cluster.service(namespace, 'db', { port: 80, targetPort: 'http' });
  const blocked = (): string | undefined => one.leader.resources.get(`${namespace}/db`)?.blocked;
  await one.until(() => blocked()?.includes('whenScaled is Delete') === true);
  const result = await one.leader.park({ namespace, name: 'db' });
  expect(result).toMatchObject({ ok: false, error: { code: 'park-refused' } });
  expect(one.cluster.api.store.get('apps/v1/statefulsets', namespace, 'db')).toMatchObject({ spec: { replicas: 1 } });
});

/** Speaks another protocol than HTTP, as its clients would. */
const strange: ServerImage = {
  async start({ podIP }) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.write('J\0\0\0\n8.0.36\0');
      socket.once('data', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(8080, podIP, resolve));
    const stop = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    return { stop };
  },
};

test.each(['overlay', 'selector'])(
  'what no client could wake is not parked in %s, until its owner says what it speaks',
  async (routing) => {
    const one = (rig = await startRig({ images: { strange } }));
    const { cluster } = one;
    const labels = { 'scaler/enabled': 'true' };
    await cluster.deployment(namespace, 'web', {
      image: 'strange',
      port: 8080,
      labels,
      annotations: { 'scaler/routing': routing },
    });
    await cluster.service(namespace, 'web', { port: 3307, targetPort: 8080, portName: 'db' });
    await one.waitForPhase('web', 'awake');
    await one.until(() => cluster.proxy.backends(namespace, 'web', 3307).length > 0);
    await one.waitForPeace('web');
    const arrivals = [...one.dlx.arrivals];
    const result = await one.leader.park(ref);
    expect(result).toMatchObject({ ok: false, error: { code: 'park-refused' } });
    expect(String((result as { error: Error }).error.message)).toMatch(/could not wake it/);
    expect([...one.dlx.arrivals]).toEqual(arrivals);
    patch(one, { metadata: { annotations: { 'scaler/tcp-ports': '3307=server' } } });
    await one.until(() => one.leader.resources.get(`${namespace}/web`)?.targets[0]?.protocol === 'tcp');
    await one.leader.putToSleep(ref);
    expect([...one.dlx.arrivals]).toEqual(arrivals);
  },
);
