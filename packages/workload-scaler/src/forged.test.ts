import { afterEach, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '@scaler/testing-kit/kubernetes';
import { startTraffic } from './testing/traffic.ts';
import { ask, namespace, type Rig, type RigOptions, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const label = 'scaler/port-web-80';

/** `thief` is older than `web`, which sleeps. */
async function sleeper(options: RigOptions = {}): Promise<Rig> {
  rig = await startRig(options);
  await rig.workload('thief', { 'scaler/routing': 'selector' });
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  await rig.waitForDlxOnly('web');
  return rig;
}

const labelsOf = (one: Rig, name: string): Record<string, string> => one.read(name).metadata.labels ?? {};

function write(one: Rig, name: string, metadata: object): void {
  one.cluster.api.store.patch('apps/v1/deployments', namespace, name, { type: 'merge', body: { metadata } });
}

describe('a port that a label claims for another workload', () => {
  test('stays with who has it: the other gets one of its own, and an Event', async () => {
    const one = await sleeper();
    const port = labelsOf(one, 'web')[label];
    write(one, 'thief', { labels: { 'scaler/port-thief-80': port } });
    await one.until(() => one.events('thief').includes('PortTaken'));
    await one.until(() => labelsOf(one, 'thief')['scaler/port-thief-80'] !== port);
    expect(labelsOf(one, 'web')[label]).toBe(port);
    expect(one.told('thief', 'PortTaken')).toContain(`"${port}"`);
    expect(one.events('web')).not.toContain('PortTaken');
    expect(await ask(one.url('web'))).toBe(200);
    expect(one.dlx.arrivals.get('shop/web')).toBe(1);
  });

  test('stays with who has it while it is awake, although the other is older', async () => {
    rig = await startRig();
    await rig.workload('thief');
    await rig.workload('web');
    await rig.waitForPeace('web');
    await rig.until(() => labelsOf(rig as Rig, 'thief')['scaler/port-thief-80'] !== undefined);
    const port = labelsOf(rig, 'web')[label];
    write(rig, 'thief', { labels: { 'scaler/port-thief-80': port } });
    await rig.until(() => labelsOf(rig as Rig, 'thief')['scaler/port-thief-80'] !== port);
    expect(labelsOf(rig, 'web')[label]).toBe(port);
  });

  test('is not had by a manifest that was copied with its labels, nor shown to the DLX', async () => {
    const one = await sleeper();
    one.leader.kill();
    const { metadata, ...rest } = one.read('web');
    const { labels, annotations } = metadata;
    const copy = { ...rest, metadata: { namespace: 'copies', name: 'web', labels, annotations } };
    await one.cluster.apply(copy as unknown as KubeObject);
    await one.cluster.service('copies', 'web', { port: 80, targetPort: 8080, portName: 'http' });
    const told = (): Promise<Awaited<ReturnType<typeof one.leader.scaler.getResources>>> =>
      one.dlxScaler.getResources('copies');
    await one.until(() => one.dlx.known.get('copies/web')?.targets.length === 1);
    const [resource] = await told();
    expect(resource?.targets[0]).toMatchObject({ service: 'web', port: 80 });
    expect(resource?.targets[0]).not.toHaveProperty('listenPort');
  });
});

test('who writes such a label again and again is woken and left alone, and never led to the other’s port', async () => {
  const one = await sleeper();
  await one.waitForPeace('thief');
  await one.leader.putToSleep({ namespace, name: 'thief' });
  const port = labelsOf(one, 'web')[label] ?? '';
  const forge = (): void => write(one, 'thief', { labels: { 'scaler/port-thief-80': port } });
  forge();
  await one.until(() => labelsOf(one, 'thief')['scaler/port-thief-80'] !== port);
  forge();
  // It is told beside what was told before it, in no order.
  const messages = () =>
    one.cluster.api.store.list('v1/events', { namespace }).items as unknown as { message: string }[];
  await one.until(() => messages().some(({ message }) => message.includes('says again and again')));
  await one.waitForPhase('thief', 'awake');
  await one.until(() => one.routing('thief').slices === 0);
  expect(labelsOf(one, 'thief')['scaler/port-thief-80']).toBe(port);
  const slices = one.cluster.api.audit.writes({ gvr: 'discovery.k8s.io/v1/endpointslices' });
  expect(slices.filter(({ name, body }) => name?.startsWith('thief') && body.includes(port))).toEqual([]);
  expect([await ask(one.url('thief')), await ask(one.url('web'))]).toEqual([200, 200]);
  expect(one.dlx.arrivals.get('shop/web')).toBe(1);
});

test('a sleeper whose labels its owner takes away is led to as before, leader or not', async () => {
  const one = await sleeper();
  const port = Number(labelsOf(one, 'web')[label]);
  one.leader.kill();
  write(one, 'web', { labels: { [label]: null } });
  await one.until(() => one.dlx.known.get('shop/web')?.targets[0]?.listenPort === undefined);
  expect(one.dlx.known.get('shop/web')?.targets[0]?.led).toMatchObject({ port });
  expect(await ask(one.url('web'))).toBe(200);
  await one.succeed();
  await one.until(() => labelsOf(one, 'web')[label] !== undefined);
});
test('one Service of 999 ports gets none of 1,000, its owner an Event, and others go on', async () => {
  rig = await startRig({ options: { portRange: '20000-20999' } });
  const one = rig;
  await one.cluster.deployment(namespace, 'greedy', {
    image: 'echo',
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
  });
  const ports = Array.from({ length: 999 }, (_, i) => ({ name: `p${i}`, port: i + 1, targetPort: 8080 }));
  await one.cluster.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: 'greedy' },
    spec: { selector: { app: 'greedy' }, ports },
  });
  await one.until(() => one.events('greedy').includes('PortRangeFull'));
  expect(one.told('greedy', 'PortRangeFull')).toContain(namespace);
  expect(Object.keys(labelsOf(one, 'greedy')).filter((key) => key.startsWith('scaler/port-'))).toEqual([]);
  await one.workload('web', { 'scaler/routing': 'selector' });
  await one.waitForPeace('web');
  const traffic = startTraffic(one.url('web'), 10);
  expect((await traffic.stop()).lost).toEqual([]);
  await one.leader.putToSleep(ref);
  const refused = (await one.leader.scaler.metrics?.())?.find(({ name }) => name === 'ports_refused');
  expect(refused?.samples).toEqual([{ labels: { namespace }, value: 1 }]);
});

test('a sleeper that asks for more ports than are left is woken and served, and sleeps again with fewer', async () => {
  rig = await startRig({ options: { portRange: '20000-20009' } });
  const one = rig;
  await one.workload('web', { 'scaler/routing': 'selector' });
  await one.waitForPeace('web');
  await one.leader.putToSleep(ref);
  const ports = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: i === 0 ? 'http' : `p${i}`, port: 80 + i, targetPort: 8080 }));
  const want = (count: number): unknown =>
    one.cluster.api.store.patch('v1/services', namespace, 'web', {
      type: 'merge',
      body: { spec: { ports: ports(count) } },
    });
  want(9);
  await one.until(() => one.events('web').includes('PortRangeFull'));
  await one.waitForPhase('web', 'awake');
  expect(await ask(one.url('web'))).toBe(200);
  expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
  want(2);
  await one.until(() => Object.keys(labelsOf(one, 'web')).filter((key) => key.startsWith('scaler/port-')).length === 2);
  await one.waitForPeace('web');
  await one.leader.putToSleep(ref);
  expect(await ask(one.url('web'))).toBe(200);
});
