import { afterEach, expect, test } from '@jest/globals';
import type { FaultHook } from '@scaler/testing-kit/kubernetes';
import { ask, dlxSlice, namespace, type Rig, startRig } from './testing/rig.ts';
import { startTraffic } from './testing/traffic.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const never = new AbortController().signal;
const reason = { by: 'test', text: 'a test asks for it' };

test.each(['overlay', 'selector'] as const)(
  'traffic that goes on undoes a park in %s mode, and loses nothing',
  async (routing) => {
    rig = await startRig({ settle: '300ms', proxyLagMs: 100 });
    await rig.workload('web', { 'scaler/routing': routing });
    await rig.waitForPeace('web');
    const traffic = startTraffic(rig.url('web'), 10);
    const result = await rig.leader.park(ref);
    expect(result).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
    await rig.waitForPeace('web');
    const { sent, lost } = await traffic.stop();
    expect(lost).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    expect(rig.read('web').spec.replicas).toBe(1);
    expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
  },
);

test('an arrival between the fence and the last step wins, and the pod stays', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const one = rig;
  const result = await rig.leader.park(ref, {
    confirm: async () => {
      expect(await ask(one.url('web'))).toBe(200);
      return { ok: true };
    },
  });
  expect(result).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
  expect(rig.read('web').spec.replicas).toBe(1);
  await rig.waitForPeace('web');
});

test('a fence that is not clear cancels the park without a write to the replicas', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const result = await rig.leader.park(ref, {
    confirm: () => ({ ok: false, reason: 'somebody is still there' }),
  });
  expect(result).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
  await rig.waitForPeace('web');
  const written = rig.cluster.api.audit.writes({ name: 'web', gvr: 'apps/v1/deployments' });
  expect(written.filter(({ body }) => body.includes('"op":"add","path":"/spec/replicas"'))).toEqual([]);
  expect(rig.read('web').spec.replicas).toBe(1);
  expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
});

test('a key that is written when its park has long been given up does not come to stand', async () => {
  rig = await startRig({ settle: '0' });
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const one = rig;
  const [sent, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answered: number[] = [];
  const hook: FaultHook = async ({ body }, phase) => {
    if (phase === 'after' || !body.includes('"path":"/spec/selector/')) return;
    sent.resolve();
    await release.promise;
    one.cluster.api.audit.onEntry(({ verb, gvr, status }) => {
      if (verb === 'patch' && gvr === 'v1/services') answered.push(status);
    });
  };
  one.cluster.api.faults.add({ verb: 'patch', resource: 'services', action: { type: 'hook', hook } });
  const lease = new AbortController();
  const parking = one.leader.scaler.setScale([ref], 0, {
    signal: lease.signal,
    reason,
    confirm: () => Promise.resolve({ ok: false, reason: 'never asked' }),
  });
  await sent.promise;
  lease.abort(new Error('the Lease is lost'));
  expect(await parking).toMatchObject([{ ok: false, error: { code: 'aborted' } }]);
  // The next one moves the Service's version before it takes the slices away.
  await one.waitForPeace('web');
  await one.until(() => one.routing('web').slices === 0);
  release.resolve();
  await one.until(() => answered.length > 0);
  expect([answered, one.routing('web')]).toEqual([[422], { key: undefined, slices: 0 }]);
});

test('replicas that another client changes cancel the park, and are kept', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const { store } = rig.cluster.api;
  const result = await rig.leader.park(ref, {
    confirm: () => {
      store.patch('apps/v1/deployments', namespace, 'web', { type: 'merge', body: { spec: { replicas: 3 } } });
      return { ok: true };
    },
  });
  expect(result).toMatchObject({ ok: false, error: { code: 'park-cancelled' } });
  await rig.waitForPeace('web');
  expect(rig.read('web').spec.replicas).toBe(3);
});

test('a wake is one write, with no read before it', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  const { audit } = rig.cluster.api;
  const before = audit.entries().length;
  expect(await ask(rig.url('web'))).toBe(200);
  const calls = audit.entries({ userAgent: 'rig-dlx' }).filter(({ seq }) => seq > before);
  const about = calls.filter(({ gvr, verb }) => gvr === 'apps/v1/deployments' && verb !== 'watch');
  expect(about[0]?.verb).toBe('patch');
  expect(about.filter(({ verb }) => verb === 'patch')).toHaveLength(1);
});

test('a cache that still says awake swallows no wake', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  rig.cluster.api.faults.add({ verb: 'watch', userAgent: 'rig-dlx', action: { type: 'staleWatch', ms: 1_000 } });
  await rig.leader.putToSleep(ref);
  expect(await ask(rig.url('web'))).toBe(200);
  expect(rig.read('web').spec.replicas).toBe(1);
});

test('wakes of several processes at once are one wake', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  const wakes = [rig.leader.scaler, rig.leader.scaler, rig.leader.scaler].map((scaler) =>
    scaler.setScale([ref], 1, { signal: never, reason }),
  );
  for (const [result] of await Promise.all(wakes)) expect(result).toMatchObject({ ok: true });
  expect(rig.read('web').spec.replicas).toBe(1);
});

test('a rollout undo of a workload that slept does not confuse it', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  const { store } = rig.cluster.api;
  expect(await ask(rig.url('web'))).toBe(200);
  await rig.waitForPeace('web');
  const env = [
    { name: 'PORT', value: '8080' },
    { name: 'VERSION', value: '2' },
  ];
  store.patch('apps/v1/deployments', namespace, 'web', {
    type: 'strategic',
    body: { spec: { template: { spec: { containers: [{ name: 'app', env }] } } } },
  });
  await rig.until(() => rig?.read('web').metadata.annotations?.['deployment.kubernetes.io/revision'] === '2');
  await rig.waitForPeace('web');
  await rolledOut(rig);
  rig.cluster.rolloutUndo(namespace, 'web');
  // What it brings back says that it sleeps, or wakes; the labels know better.
  await rolledOut(rig);
  await rig.waitForPeace('web');
  expect(await ask(rig.url('web'))).toBe(200);
  await rig.leader.putToSleep(ref);
  await rig.waitForDlxOnly('web');
  expect(await ask(rig.url('web'))).toBe(200);
  await rig.waitForPeace('web');
  store.patch('apps/v1/deployments', namespace, 'web', { type: 'merge', body: { spec: { replicas: 2 } } });
  await rig.until(() => rig?.cluster.proxy.backends(namespace, 'web', 80).length === 2);
  await rig.leader.putToSleep(ref);
  rig.cluster.rolloutUndo(namespace, 'web');
  await rig.until(() => rig?.leader.resources.get('shop/web')?.phase === 'asleep');
  expect(await ask(rig.url('web'))).toBe(200);
  await rig.waitForPeace('web');
});

async function rolledOut(one: Rig): Promise<void> {
  await one.until(() => {
    const { metadata, status } = one.read('web') as ReturnType<Rig['read']> & {
      status: { observedGeneration: number; replicas: number; updatedReplicas: number; availableReplicas: number };
    };
    const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status;
    const pods = one.cluster.api.store.list('v1/pods', { namespace }).items;
    return (
      observedGeneration === metadata.generation &&
      [replicas, updatedReplicas, availableReplicas, pods.length].every((n) => n === 1)
    );
  });
}

test('slices follow the addresses of the DLX while asleep', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  const { api } = rig.cluster;
  const addresses = (): readonly string[] =>
    api.store
      .list('discovery.k8s.io/v1/endpointslices', { namespace })
      .items.filter(({ metadata }) => metadata.labels?.['scaler/resource'] === 'web')
      .flatMap((slice) =>
        (slice as unknown as { endpoints: { addresses: string[] }[] }).endpoints.map((e) => e.addresses[0] ?? ''),
      );
  expect(addresses()).toEqual([rig.dlx.address]);
  await rig.cluster.apply(dlxSlice([rig.dlx.address, '127.0.0.77']));
  // Nobody listens there.
  expect(await ask(rig.url('web'))).toBe(200);
  expect(addresses()).toEqual([rig.dlx.address]);
});
