import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, dlxSlice, namespace, type Rig, startRig } from './testing/rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ref = { namespace, name: 'web' };
const deployments = 'apps/v1/deployments';
const services = 'v1/services';

const patch = (one: Rig, gvr: string, name: string, body: object): void =>
  void one.cluster.api.store.patch(gvr, namespace, name, { type: 'merge', body });

async function asleep(annotations: Record<string, string> = {}, options = {}): Promise<Rig> {
  rig = await startRig(options);
  await rig.workload('web', { 'scaler/routing': 'selector', ...annotations });
  await rig.waitForPeace('web');
  await rig.leader.putToSleep(ref);
  return rig;
}

describe('while it is asleep', () => {
  test('taking the label away wakes it, hands it back and leaves nothing of ours behind', async () => {
    const one = await asleep();
    patch(one, deployments, 'web', { metadata: { labels: { 'scaler/enabled': null } } });
    expect(await ask(one.url('web'))).toBe(200);
    await one.until(() => one.phase('web') === undefined);
    const { metadata } = one.read('web');
    expect(
      Object.keys({ ...metadata.labels, ...metadata.annotations }).filter((key) => key.startsWith('scaler/')),
    ).toEqual(['scaler/routing']);
    expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
    expect(one.read('web').spec.replicas).toBe(1);
  });

  test('a workload that is deleted leaves no Service diverted', async () => {
    const one = await asleep();
    one.cluster.api.store.delete(deployments, namespace, 'web');
    await one.until(() => one.routing('web').key === undefined && one.routing('web').slices === 0);
  });

  test('a Service that is recreated is diverted again', async () => {
    const one = await asleep();
    one.cluster.api.store.delete(services, namespace, 'web');
    await one.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
    await one.until(() => one.routing('web').key !== undefined && one.routing('web').slices === 1);
    await one.until(() => one.cluster.proxy.backends(namespace, 'web', 80).length > 0);
    expect(await ask(one.url('web'))).toBe(200);
    await one.waitForPeace('web');
  });

  test('a Service that is recreated is not diverted to a DLX that does not listen for it any more', async () => {
    const one = await asleep();
    const { audit, store } = one.cluster.api;
    const looks = (): number => audit.entries({ verb: 'get', gvr: services, name: 'web' }).length;
    const hear = one.dlx.deafen();
    store.delete(services, namespace, 'web');
    await one.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
    const before = looks();
    await one.until(() => looks() > before);
    await one.leader.scaler.reconcile?.([ref], { signal: new AbortController().signal });
    expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
    hear();
    await one.until(() => one.routing('web').key !== undefined && one.routing('web').slices === 1);
    await one.until(() => one.cluster.proxy.backends(namespace, 'web', 80).length > 0);
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('a Service that is renamed is diverted under its new name', async () => {
    const one = await asleep();
    one.cluster.api.store.delete(services, namespace, 'web');
    await one.cluster.service(namespace, 'shop', { selector: { app: 'web' }, port: 80, targetPort: 8080 });
    await one.until(() => one.routing('shop').slices === 1 && one.routing('shop').key !== undefined);
    await one.until(() => one.cluster.proxy.backends(namespace, 'shop', 80).length > 0);
    expect(await ask(one.cluster.serviceUrl(namespace, 'shop', 80))).toBe(200);
  });

  test('a port that is added gets a DLX port of its own, and wakes it', async () => {
    const one = await asleep();
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'second', port: 81, targetPort: 8080 },
    ];
    patch(one, services, 'web', { spec: { ports } });
    await one.until(
      () =>
        (one.leader.resources.get('shop/web')?.targets ?? []).filter(({ listenPort }) => listenPort !== undefined)
          .length === 2,
    );
    await one.cluster.proxy.listening();
    await one.until(() => one.cluster.proxy.backends(namespace, 'web', 81).length > 0);
    expect(await ask(one.cluster.serviceUrl(namespace, 'web', 81))).toBe(200);
  });

  test('another client who starts it gets the traffic', async () => {
    const one = await asleep();
    patch(one, deployments, 'web', { spec: { replicas: 2 } });
    await one.waitForPeace('web');
    expect(one.read('web').spec.replicas).toBe(2);
    expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
  });

  test('a mode that changes is put into effect', async () => {
    const one = await asleep();
    patch(one, deployments, 'web', { metadata: { annotations: { 'scaler/routing': 'overlay' } } });
    await one.until(() => one.routing('web').key === undefined);
    expect(one.routing('web').slices).toBe(1);
    expect(one.phase('web')).toBe('asleep');
    expect(await ask(one.url('web'))).toBe(200);
  });

  test('without any DLX for too long it is woken and restored, and so is what is diverted while awake; each has one Event', async () => {
    const one = await asleep({}, { deadManSwitch: '100ms' });
    await one.workload('shown', { 'scaler/routing': 'always' });
    await one.waitForDlxOnly('shown');
    await one.cluster.apply(dlxSlice([]));
    await one.waitForPhase('web', 'awake');
    expect(one.routing('web')).toEqual({ key: undefined, slices: 0 });
    for (const name of ['web', 'shown']) {
      await one.until(() => one.routing(name).slices === 0);
      expect(one.routing(name).key).toBeUndefined();
      await one.until(() => one.cluster.proxy.backends(namespace, name, 80).length > 0);
      expect(await ask(one.url(name))).toBe(200);
      await one.until(() => one.events(name).includes('DlxGone'));
      expect(one.events(name).filter((reason) => reason === 'DlxGone')).toHaveLength(1);
    }
  });
});

test('a zero that another client set is followed: the next request wakes it', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/metrics': 'requests_per_5m<=0' });
  await rig.waitForPeace('web');
  patch(rig, deployments, 'web', { spec: { replicas: 0 } });
  const one = rig;
  await rig.until(() => one.phase('web') === 'asleep' && one.routing('web').key !== undefined);
  await rig.until(() =>
    one.cluster.proxy.backends(namespace, 'web', 80).every((backend) => backend.startsWith(one.dlx.address)),
  );
  expect(await ask(rig.url('web'))).toBe(200);
});

test('copied labels of another workload are not believed', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const { metadata } = rig.read('web');
  await rig.cluster.deployment(namespace, 'copy', {
    image: 'echo',
    port: 8080,
    labels: { ...metadata.labels, 'scaler/phase': 'asleep' },
    annotations: metadata.annotations ?? {},
  });
  await rig.waitForPhase('copy', 'awake');
  expect(rig.read('copy').spec.replicas).toBe(1);
  const port = (name: string): unknown => rig?.read(name).metadata.labels?.['scaler/port-web-80'];
  expect(port('web')).toEqual(expect.any(String));
  await rig.until(() => port('copy') === undefined);
});

describe('a park is refused before anything is diverted', () => {
  async function refusal(
    why: RegExp,
    prepare: (one: Rig) => Promise<void>,
    annotations: Record<string, string> = {},
  ): Promise<void> {
    rig = await startRig();
    await rig.workload('web', { 'scaler/routing': 'selector', ...annotations });
    await prepare(rig);
    const one = rig;
    await rig.until(() => {
      const { phase, blocked = '', targets } = one.leader.resources.get('shop/web') ?? { targets: [] };
      return phase === 'awake' && why.test(blocked) && targets.every(({ listenPort }) => listenPort !== undefined);
    });
    const writes = rig.cluster.api.audit.writes({ namespace }).filter(({ gvr }) => gvr !== 'v1/events').length;
    const result = await rig.leader.park(ref);
    expect(result).toMatchObject({ ok: false, error: { code: 'park-refused' } });
    expect(rig.cluster.api.audit.writes({ namespace }).filter(({ gvr }) => gvr !== 'v1/events').length).toBe(writes);
    await rig.until(() => one.events('web').includes('ParkRefused'));
    expect((result as { error: Error }).error.message).toMatch(why);
  }

  test('when its Service selects the pods of another workload too', async () => {
    await refusal(/also selects the pod other-/, async (one) => {
      await one.cluster.deployment(namespace, 'other', { image: 'echo', port: 8080 });
      patch(one, services, 'web', { spec: { selector: { app: null, tier: 'front' } } });
      for (const name of ['web', 'other']) {
        const labels = { app: name, tier: 'front' };
        patch(one, deployments, name, { spec: { template: { metadata: { labels } } } });
      }
    });
  });

  test('when a Service is headless', async () => {
    await refusal(/Service direct is headless: its clients connect to pods by themselves/, async (one) => {
      await one.cluster.apply({
        ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: 'direct' } },
        spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80 }] },
      });
    });
  });

  test('when an annotation is wrong; its owner gets an Event', async () => {
    await refusal(/scaler\/cooldown is "soon": .*write it as 90s/, async () => undefined, {
      'scaler/cooldown': 'soon',
    });
    await rig?.until(() => rig?.events('web').includes('InvalidSetting') === true);
  });
});

test('a park is refused where a DLX says that it does not reach the pods: nothing is diverted, and the owner gets an Event', async () => {
  rig = await startRig();
  await rig.workload('web', { 'scaler/routing': 'selector' });
  await rig.waitForPeace('web');
  const one = rig;
  const why = 'DLX dlx-1: no answer from 127.0.0.1:8080';
  const result = await rig.leader.park(ref, { preflight: () => Promise.resolve([why]) });
  const error = { code: 'park-refused', message: `shop/web is not parked: ${why}` };
  expect(result).toMatchObject({ ok: false, error });
  expect(rig.phase('web')).toBe('awake');
  expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
  await rig.until(() => one.events('web').includes('ParkRefused'));
});

test('always is not entered while the DLX does not reach the pods', async () => {
  rig = await startRig();
  rig.dlx.unreachable = true;
  await rig.workload('web');
  const one = rig;
  await rig.until(() => one.leader.resources.get('shop/web')?.blocked === 'the DLX does not reach its pods');
  await rig.until(() => one.events('web').includes('DlxUnreachable'));
  expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
  expect(await ask(rig.url('web'))).toBe(200);
  expect(await rig.leader.park(ref)).toMatchObject({ ok: false, error: { code: 'park-refused' } });
});

test('where a port is raw always is entered once the DLX itself says that it reaches the pods', async () => {
  rig = await startRig();
  const asked: (string | undefined)[] = [];
  const infra = createServer((request, response) => {
    asked.push(request.url);
    // Of a version that is not asked where it listens.
    if (request.url === '/listening') response.statusCode = 404;
    response.end('{"replica":"dlx-1","ok":true,"reasons":[]}');
  });
  await once(infra.listen(8081, rig.dlx.address), 'listening');
  await rig.workload('web', { 'scaler/tcp-ports': '80' });
  await rig.waitForDlxOnly('web');
  expect(new Set(asked)).toEqual(new Set(['/listening', '/preflight']));
  expect(asked.filter((path) => path === '/preflight')).toHaveLength(1);
  expect(rig.leader.resources.get('shop/web')?.targets).toMatchObject([{ port: 80, protocol: 'tcp' }]);
  infra.close();
});
