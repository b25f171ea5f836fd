import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { ask, dlxSlice, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rig?.close();
  rig = undefined;
});

const slicesGvr = 'discovery.k8s.io/v1/endpointslices';

interface Slice {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

/** What our slices of a Service name, family by family. */
function named({ cluster }: Rig, service: string): string[][] {
  const { items } = cluster.api.store.list(slicesGvr, {
    namespace,
    labelSelector: `endpointslice.kubernetes.io/managed-by=scaler,kubernetes.io/service-name=${service}`,
  });
  return items.map((slice) => (slice as unknown as Slice).endpoints.flatMap(({ addresses }) => addresses));
}

/** Another DLX that listens on the ports of these, and no more. */
async function anotherDlx({ cluster, dlx, leader }: Rig, names: readonly string[], last: string): Promise<string> {
  const address = dlx.address.replace(/\d+$/, last);
  for (const name of names) {
    const port = leader.resources.get(`${namespace}/${name}`)?.targets[0]?.listenPort;
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await once(server.listen(port, address), 'listening');
  }
  expect(cluster.problems).toEqual([]);
  return address;
}

async function sleepers(names: readonly string[]): Promise<Rig> {
  const one = (rig = await startRig());
  await Promise.all(names.map((name) => one.workload(name, { 'scaler/routing': 'selector' })));
  await Promise.all(
    names.map(async (name) => {
      await one.waitForPeace(name);
      await one.leader.putToSleep({ namespace, name });
    }),
  );
  return one;
}

test('a DLX that is gone is replaced in each slice at once, by one call each', async () => {
  const names = ['web', 'shop', 'api'];
  const one = await sleepers(names);
  const another = await anotherDlx(one, names, '2');
  one.cluster.api.audit.clear();
  await one.cluster.apply(dlxSlice([another]));
  await one.until(() => names.every((name) => named(one, name)[0]?.join() === another));
  const calls = one.cluster.api.audit.entries({ userAgent: one.leader.name }).filter(({ gvr }) => gvr !== 'v1/events');
  expect(calls.map(({ verb, gvr }) => `${verb} ${gvr}`)).toEqual(names.map(() => `update ${slicesGvr}`));
});

test('a slice that another client changed meanwhile is not overwritten, but looked at again', async () => {
  const one = await sleepers(['web']);
  const another = await anotherDlx(one, ['web'], '2');
  let meanwhile = 0;
  one.cluster.api.faults.add({
    ...{ verb: 'update', resource: 'endpointslices', userAgent: one.leader.name, times: 1 },
    action: {
      type: 'hook',
      hook: (_, phase) => {
        if (phase === 'after') return;
        meanwhile += 1;
        const body = { metadata: { annotations: { somebody: 'was here' } } };
        one.cluster.api.store.patch(slicesGvr, namespace, 'web-scaler-ipv4', { type: 'merge', body });
      },
    },
  });
  await one.cluster.apply(dlxSlice([another]));
  await one.until(() => named(one, 'web')[0]?.join() === another);
  expect(meanwhile).toBe(1);
  expect(one.phase('web')).toBe('asleep');
});

test.each([
  ['that is refused although nothing stands in its way', { type: 'error', status: 409, reason: 'Conflict' }],
  ['that is lost', { type: 'dropBefore' }],
] as const)('a write %s is done again, though no watch tells of a change', async (_, action) => {
  const one = await sleepers(['web']);
  const another = await anotherDlx(one, ['web'], '2');
  one.cluster.api.faults.add({
    verb: 'update',
    resource: 'endpointslices',
    userAgent: one.leader.name,
    times: 1,
    action,
  });
  await one.cluster.apply(dlxSlice([another]));
  await one.until(() => named(one, 'web')[0]?.join() === another);
});

test('more DLX addresses than one slice of Kubernetes names are all in ours, and a request wakes through any', async () => {
  const one = await sleepers(['web']);
  const others = Array.from({ length: 149 }, (_, i) => one.dlx.address.replace(/\d+$/, String(i + 2)));
  const port = one.leader.resources.get('shop/web')?.targets[0]?.listenPort;
  for (const address of others) {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await once(server.listen(port, address), 'listening');
  }
  // As the controller of Kubernetes splits them.
  const slice = dlxSlice(others.slice(0, 100)) as { metadata: object };
  await one.cluster.apply({ ...slice, metadata: { ...slice.metadata, name: 'dlx-2' } });
  await one.cluster.apply(dlxSlice([one.dlx.address, ...others.slice(100)]));
  await one.until(() => named(one, 'web')[0]?.length === 150);
  expect(new Set(named(one, 'web')[0])).toEqual(new Set([one.dlx.address, ...others]));
  for (const server of servers.splice(0)) server.close();
  await one.cluster.apply({ ...slice, metadata: { ...slice.metadata, name: 'dlx-2' }, endpoints: [] });
  await one.cluster.apply(dlxSlice([one.dlx.address]));
  await one.until(() => named(one, 'web')[0]?.length === 1);
  expect(await ask(one.url('web'))).toBe(200);
});

test('a DLX that nothing comes to any more is named no longer although Kubernetes calls it ready, and named again once it is reached', async () => {
  const one = await sleepers(['web']);
  const another = await anotherDlx(one, ['web'], '2');
  const infra = async (address: string): Promise<Server> => {
    // As a DLX of an earlier version, which does not know the question for its ports.
    const server = createHttpServer((_, response) => response.writeHead(404, { Connection: 'close' }).end());
    servers.push(server);
    await once(server.listen(8081, address), 'listening');
    return server;
  };
  await infra(one.dlx.address);
  const gone = await infra(another);
  await one.cluster.apply(dlxSlice([one.dlx.address, another]));
  await one.until(() => named(one, 'web')[0]?.length === 2);
  gone.close();
  await one.until(() => named(one, 'web')[0]?.join() === one.dlx.address);
  expect(one.phase('web')).toBe('asleep');
  await infra(another);
  await one.until(() => named(one, 'web')[0]?.length === 2);
});
