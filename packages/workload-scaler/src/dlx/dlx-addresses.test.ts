import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type FakeApi, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { createDlxAddresses, type DlxAddresses } from './dlx-addresses.ts';
import { type EndpointSlice, type KubeClient, kinds } from '@scaler/kube';
import { clientOf } from '../testing/fake-client.ts';

const namespace = 'scaler';
let api: FakeApi;
let client: KubeClient;
let stop: AbortController;
let running: Promise<void>;
let dlx: DlxAddresses;
/** `address:port` of what is listened on, and of what was tried. */
let listening: Set<string>;
let tried: string[];

beforeEach(async () => {
  api = await startFakeApi();
  client = await clientOf(api);
  stop = new AbortController();
  listening = new Set();
  tried = [];
  await client.create(kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  dlx = createDlxAddresses({
    client,
    service: { namespace, name: 'dlx' },
    clock: systemClock,
    logger: silentLogger,
    isListening: (address, port) => {
      tried.push(`${address}:${port}`);
      return Promise.resolve(listening.has(`${address}:${port}`));
    },
  });
  running = dlx.run(stop.signal);
});

afterEach(async () => {
  stop.abort();
  await running;
  client.close();
  await api.close();
});

/** Resolves as soon as it holds, asked at each change. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = dlx.subscribe(look);
    function look(): void {
      if (!holds()) return;
      end();
      resolve();
    }
    look();
  });
}

/** As the gathering of facts does it: what is not known is asked for. */
function listed(ports: readonly number[]): readonly string[] {
  dlx.findListening(ports);
  return dlx.listed(ports);
}

type EndpointOf = NonNullable<EndpointSlice['endpoints']>[number];

function endpoint(address: string, uid = address, conditions: EndpointOf['conditions'] = { ready: true }): EndpointOf {
  return { addresses: [address], conditions: conditions ?? {}, targetRef: { kind: 'Pod', name: uid, namespace, uid } };
}

async function publish(...endpoints: EndpointOf[]): Promise<void> {
  const metadata = { name: 'dlx-1', namespace, labels: { 'kubernetes.io/service-name': 'dlx' } };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'infra', port: 8081, protocol: 'TCP' }],
  };
  const existing = await client.get(kinds.endpointSlice, metadata).catch(() => undefined);
  if (existing) await client.replace(kinds.endpointSlice, slice);
  else await client.create(kinds.endpointSlice, slice);
}

test('an address is listed for the ports on which it is found to listen, and each is asked once', async () => {
  listening.add('10.0.0.1:20001').add('10.0.0.2:20001').add('10.0.0.1:20002');
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.2'));
  await until(() => listed([20_001]).length === 2);
  await until(() => listed([20_001, 20_002]).length === 1);
  expect(listed([20_001, 20_002])).toEqual(['10.0.0.1']);
  expect(tried.filter((place) => place === '10.0.0.1:20001')).toHaveLength(1);
  listening.add('10.0.0.2:20002');
  await until(() => listed([20_001, 20_002]).length === 2);
});

test('what is listed is asked anew when that is wanted, and not listed from then on where nothing listens any more', async () => {
  listening.add('10.0.0.1:20001').add('10.0.0.2:20001');
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.2'));
  await until(() => listed([20_001]).length === 2);
  listening.delete('10.0.0.2:20001');
  expect(listed([20_001])).toHaveLength(2);
  await dlx.check([20_001]);
  expect(listed([20_001])).toEqual(['10.0.0.1']);
  listening.add('10.0.0.2:20001');
  await until(() => listed([20_001]).length === 2);
});

test('draining addresses are kept apart and are not listed', async () => {
  listening.add('10.0.0.1:20001').add('10.0.0.2:20001');
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.2'));
  await until(() => listed([20_001]).length === 2);
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.2', 'b', { ready: false, serving: true, terminating: true }));
  await until(() => dlx.draining.length === 1);
  expect(dlx.ready).toEqual(['10.0.0.1']);
  expect(dlx.draining).toEqual(['10.0.0.2']);
  expect(listed([20_001])).toEqual(['10.0.0.1']);
});

test('another instance with the same address is asked anew', async () => {
  listening.add('10.0.0.1:20001');
  await publish(endpoint('10.0.0.1', 'first'));
  await until(() => listed([20_001]).length === 1);
  listening.clear();
  await publish(endpoint('10.0.0.1', 'second'));
  await until(() => listed([20_001]).length === 0);
  expect(dlx.ready).toEqual(['10.0.0.1']);
});

test('a replica that comes up is reported port by port', async () => {
  listening.add('10.0.0.1:20001').add('10.0.0.1:20002');
  await publish(endpoint('10.0.0.1'));
  const told: (number | undefined)[] = [];
  await until(() => dlx.ready.length === 1);
  dlx.subscribe((port) => told.push(port));
  await until(() => listed([20_001]).length === 1);
  await until(() => listed([20_002]).length === 1);
  expect(told).toEqual([20_001, 20_002]);
});

test('it says that one is about to come, which is neither ready nor on its way out', async () => {
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.2', 'b', { ready: false, serving: true, terminating: true }));
  await until(() => dlx.ready.length === 1);
  expect(dlx.starting).toBe(false);
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.3', 'c', { ready: false, serving: false, terminating: false }));
  await until(() => dlx.starting);
  await publish(endpoint('10.0.0.1'), endpoint('10.0.0.3', 'c'));
  await until(() => !dlx.starting);
});

test('the families are those that its Service has a slice for, however empty', async () => {
  await until(() => dlx.synced);
  expect([...dlx.families]).toEqual([]);
  await publish();
  await until(() => dlx.families.size === 1);
  expect([...dlx.families]).toEqual(['IPv4']);
});

test('a live read does not need the watch', async () => {
  await publish(endpoint('10.0.0.1'));
  expect(await dlx.live(stop.signal)).toEqual([
    { address: '10.0.0.1', id: '10.0.0.1', ready: true, draining: false, ports: { infra: 8081 } },
  ]);
});

test('it says when it knows, and that no DLX is there', async () => {
  await until(() => dlx.synced);
  expect(dlx.silent).toBe(false);
  expect(dlx.ready).toEqual([]);
});
