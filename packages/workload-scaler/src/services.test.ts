import { afterEach, expect, test } from '@jest/globals';
import { ask, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const services = 'v1/services';

const edit = ({ cluster }: Rig, name: string, spec: object): void =>
  void cluster.api.store.patch(services, namespace, name, { type: 'merge', body: { spec } });

/** Puts so many to sleep on one cluster: each test costs one start. */
async function asleep(names: readonly string[]): Promise<Rig> {
  const one = (rig = await startRig());
  await Promise.all(
    names.map(async (name) => {
      await one.workload(name, { 'scaler/routing': 'selector' });
      await one.waitForPeace(name);
      await one.leader.putToSleep({ namespace, name });
      await one.waitForDlxOnly(name);
    }),
  );
  return one;
}

/** Resolves when new connections to a port of a Service get to the DLX alone. */
async function diverted({ cluster, dlx, until }: Rig, service: string, port: number): Promise<void> {
  await until(() => listensOn(cluster, service, port));
  await cluster.proxy.listening();
  await until(() => {
    const backends = cluster.proxy.backends(namespace, service, port);
    return backends.length > 0 && backends.every((backend) => backend.startsWith(dlx.address));
  });
}

function listensOn({ proxy }: Rig['cluster'], service: string, port: number): boolean {
  try {
    return proxy.address(namespace, service, port) !== undefined;
  } catch {
    return false;
  }
}

const askPort = ({ cluster }: Rig, service: string, port: number): Promise<number> =>
  ask(cluster.serviceUrl(namespace, service, port));

const portLabels = (one: Rig, name: string): readonly string[] =>
  Object.keys(one.read(name).metadata.labels ?? {}).filter((label) => label.startsWith('scaler/port-'));

test('ports edited while it sleeps: another number, another name, one less; the next request wakes, and no label is left', async () => {
  const one = await asleep(['moved', 'named', 'fewer']);
  const [http, second] = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'second', port: 81, targetPort: 8080 },
  ];
  edit(one, 'fewer', { ports: [http, second] });
  await diverted(one, 'fewer', 81);
  edit(one, 'moved', { ports: [{ ...http, port: 8000 }] });
  edit(one, 'named', { ports: [{ ...http, name: 'web' }] });
  edit(one, 'fewer', { ports: [second] });
  const ports = { moved: 8000, named: 80, fewer: 81 };
  await Promise.all(
    Object.entries(ports).map(async ([name, port]) => {
      await one.until(() => portLabels(one, name).join() === `scaler/port-${name}-${port}`);
      await diverted(one, name, port);
      expect(one.phase(name)).toBe('asleep');
      expect(await askPort(one, name, port)).toBe(200);
      await one.waitForPeace(name);
      expect(one.routing(name)).toEqual({ key: undefined, slices: 0 });
    }),
  );
});

test("a selector edited while it sleeps: still its own, it is woken by it; another workload's, that one gets it back", async () => {
  const one = await asleep(['kept', 'given']);
  await one.cluster.deployment(namespace, 'other', { image: 'echo', port: 8080 });
  const labels = { tier: 'front' };
  one.cluster.api.store.patch('apps/v1/deployments', namespace, 'kept', {
    type: 'merge',
    body: { spec: { template: { metadata: { labels } } } },
  });
  edit(one, 'kept', { selector: { app: null, ...labels } });
  edit(one, 'given', { selector: { app: 'other' } });
  await one.until(() => one.routing('given').key === undefined && one.routing('given').slices === 0);
  await one.until(() => one.cluster.proxy.backends(namespace, 'given', 80).length === 1);
  expect(one.cluster.proxy.backends(namespace, 'given', 80)[0]).not.toContain(one.dlx.address);
  expect(await askPort(one, 'given', 80)).toBe(200);
  await one.until(() => portLabels(one, 'given').length === 0);
  expect(one.phase('given')).toBe('asleep');
  await one.waitForDlxOnly('kept');
  expect(await askPort(one, 'kept', 80)).toBe(200);
  await one.waitForPeace('kept');
  expect(one.routing('kept')).toEqual({ key: undefined, slices: 0 });
});

test('a Service renamed, and back in another form: nothing of the old one is left on the workload', async () => {
  const one = await asleep(['web']);
  one.cluster.api.store.delete(services, namespace, 'web');
  await one.until(() => portLabels(one, 'web').length === 0);
  await one.cluster.service(namespace, 'shop', { selector: { app: 'web' }, port: 90, targetPort: 8080 });
  await diverted(one, 'shop', 90);
  expect(portLabels(one, 'web')).toEqual(['scaler/port-shop-90']);
  expect(one.phase('web')).toBe('asleep');
  expect(await askPort(one, 'shop', 90)).toBe(200);
  await one.waitForPeace('web');
  expect(one.routing('shop')).toEqual({ key: undefined, slices: 0 });
});

test('a Service that cannot be diverted any more: what sleeps behind it is woken and gets it back', async () => {
  const one = await asleep(['web']);
  edit(one, 'web', { externalTrafficPolicy: 'Local', type: 'NodePort' });
  await one.until(() => one.phase('web') === 'awake');
  expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
  await one.until(() => one.cluster.proxy.backends(namespace, 'web', 80).length === 1);
  expect(await askPort(one, 'web', 80)).toBe(200);
});
