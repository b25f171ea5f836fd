import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { ask, dlxSlice, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
let server: Server | undefined;
afterEach(async () => {
  server?.close();
  await rig?.close();
  rig = server = undefined;
});

const ref = { namespace, name: 'web' };
/** The one IPv6 address that there is on every machine; other programs that use it have other ports. */
const sixth = '::1';
const oneStack = { ipFamilies: ['IPv4'] };
const twoStacks = { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'PreferDualStack' };

/** A DLX whose Service has both families, and one workload. */
async function started(families: object): Promise<Rig> {
  const from = 20_000 + 10 * Math.floor(Math.random() * 990);
  const one = (rig = await startRig({ options: { portRange: `${from}-${from + 9}` } }));
  await publish([sixth]);
  await one.workload('web', { 'scaler/routing': 'selector' });
  one.cluster.api.store.patch('v1/services', namespace, 'web', { type: 'merge', body: { spec: families } });
  await one.waitForPeace('web');
  server = createServer((socket) => socket.destroy());
  await once(server.listen(one.leader.resources.get('shop/web')?.targets[0]?.listenPort, sixth), 'listening');
  return one;
}

async function publish(addresses: readonly string[]): Promise<void> {
  const slice = dlxSlice(addresses) as { metadata: object };
  await rig?.cluster.apply({ ...slice, metadata: { ...slice.metadata, name: 'dlx-6' }, addressType: 'IPv6' });
}

async function parked({ leader }: Rig, notYet: RegExp): Promise<void> {
  for (;;) {
    const result = await leader.park(ref);
    if (result.ok) return;
    expect(result.error.message).toMatch(notYet);
  }
}

interface Slice {
  readonly metadata: { readonly name?: string };
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

function named({ cluster }: Rig): Record<string, string[]> {
  const labelSelector = 'endpointslice.kubernetes.io/managed-by=scaler';
  const { items } = cluster.api.store.list('discovery.k8s.io/v1/endpointslices', { namespace, labelSelector });
  const slices = items.map((item) => item as unknown as Slice);
  return Object.fromEntries(
    slices.map(({ metadata, endpoints }) => [metadata.name, endpoints.flatMap(({ addresses }) => addresses)]),
  );
}

test('a Service of both families is diverted by a slice of each, and a request that comes by either wakes it', async () => {
  const one = await started(twoStacks);
  // Until then it is known to be there, and not that it listens.
  await parked(one, /the DLX at ::1 does not listen/);
  expect(named(one)).toEqual({ 'web-scaler-ipv4': [one.dlx.address], 'web-scaler-ipv6': [sixth] });
  await publish([]);
  await one.until(() => named(one)['web-scaler-ipv6'] === undefined);
  expect(named(one)).toEqual({ 'web-scaler-ipv4': [one.dlx.address] });
  expect(await ask(one.url('web'))).toBe(200);
  await one.waitForPeace('web');
  expect(named(one)).toEqual({});
});

test('a Service of one family is at rest with its own, however many the DLX has', async () => {
  const one = await started(oneStack);
  await one.leader.putToSleep(ref);
  expect(named(one)).toEqual({ 'web-scaler-ipv4': [one.dlx.address] });
  const { signal } = new AbortController();
  expect(await one.leader.scaler.reconcile?.([ref], { signal })).toEqual([{ resource: ref, ok: true }]);
  expect(named(one)).toEqual({ 'web-scaler-ipv4': [one.dlx.address] });
  expect(await ask(one.url('web'))).toBe(200);
});

test('a Service with a family that the DLX has not is not diverted, and says why; one that sleeps is woken', async () => {
  const one = await started(oneStack);
  await one.leader.putToSleep(ref);
  one.cluster.api.store.delete('discovery.k8s.io/v1/endpointslices', 'scaler-system', 'dlx-6');
  one.cluster.api.store.patch('v1/services', namespace, 'web', { type: 'merge', body: { spec: twoStacks } });
  await one.until(() => one.phase('web') === 'awake');
  expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
  const why = "Service web has IPv6 and the DLX's Service has not: connections by IPv6 would not be answered";
  await one.until(() => one.leader.resources.get('shop/web')?.blocked === why);
  expect(await one.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
});
