import { afterEach, describe, expect, test } from '@jest/globals';
import type { KubeClient } from '@scaler/kube';
import { silentLogger } from '@scaler/testing-kit';
import { type FakeApi, type FakeApiOptions, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { discoverKinds } from './config/kinds.ts';
import { parseOptions } from './config/options.ts';
import { clientOf } from './testing/fake-client.ts';
import { bothKinds } from './testing/kinds.ts';
import { ask, namespace, type Rig, type RigOptions, startRig } from './testing/rig.ts';
import { startWidgetOperator, type Widget, widgetKind, widgets } from './testing/widgets.ts';
import type { WorkloadKinds } from './workload/kind.ts';

const ref = { namespace, name: 'web' };
const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** A Widget that is opted in, with its operator and a Service. */
async function awake(
  given: RigOptions = {},
  annotations: Record<string, string> = { 'scaler/routing': 'selector' },
): Promise<Rig & { widget(): Widget }> {
  const rig = await startRig({
    ...given,
    apiKinds: [widgetKind],
    options: { kinds: 'example.com/v1/widgets', ...given.options },
  });
  ended.push(rig.close, startWidgetOperator(rig.cluster));
  const widget = (): Widget => rig.cluster.api.store.get<Widget>(widgets, namespace, 'web');
  await rig.cluster.apply({
    ...{ apiVersion: 'example.com/v1', kind: 'Widget' },
    metadata: { ...ref, labels: { 'scaler/enabled': 'true' }, annotations },
    spec: { replicas: 2 },
  });
  await rig.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
  await rig.until(() => rig.cluster.proxy.backends(namespace, 'web', 80).length === 2);
  await rig.until(() => {
    const resource = rig.leader.resources.get('shop/web');
    return resource?.phase === 'awake' && resource.blocked === undefined;
  });
  return { ...rig, widget };
}

const phase = ({ metadata: { labels } }: Widget): string | undefined => labels?.['scaler/phase'];

describe('a kind with /scale that an option names', () => {
  test('is parked through its scale, shown, and woken by a request with as many replicas as before', async () => {
    const rig = await awake();
    await rig.leader.putToSleep(ref);
    expect(rig.widget()).toMatchObject({ spec: { replicas: 0 } });
    expect(phase(rig.widget())).toBe('asleep');
    expect(rig.routing('web')).toMatchObject({ key: expect.any(String), slices: 1 });
    const writes = rig.cluster.api.audit.writes({ gvr: widgets, name: 'web' });
    expect(writes.some(({ verb, subresource }) => verb === 'update' && subresource === 'scale')).toBe(true);
    await rig.waitForDlxOnly('web');
    expect(await ask(rig.url('web'))).toBe(200);
    await rig.until(() => phase(rig.widget()) === 'awake');
    expect(rig.widget()).toMatchObject({ spec: { replicas: 2 } });
    await rig.until(() => ['Parked', 'WokenUp', 'Restored'].every((reason) => rig.events('web').includes(reason)));
    const about = rig.cluster.api.store.list('v1/events', { namespace }).items.map((one) => one['involvedObject']);
    expect(about).toContainEqual(
      expect.objectContaining({ kind: 'Widget', apiVersion: 'example.com/v1', name: 'web' }),
    );
    expect(rig.leader.resources.get('shop/web')).toMatchObject({ kind: 'widgets.example.com' });
  });

  test('takes a busy lease, and is not parked while it has one', async () => {
    const rig = await awake();
    const until = new Date(Date.now() + 60_000).toISOString();
    await rig.leader.scaler.setBusy?.(ref, until, { signal: AbortSignal.timeout(5_000) });
    expect(rig.widget().metadata.annotations).toMatchObject({ 'scaler/busy-until': until });
    expect(await rig.leader.park(ref)).toMatchObject({ ok: false, error: { message: expect.stringMatching(/busy/) } });
  });

  test('is written in place where the option names the path of its replicas', async () => {
    const rig = await awake({ options: { kinds: 'example.com/v1/widgets=/spec/replicas' } });
    await rig.leader.putToSleep(ref);
    expect(rig.widget()).toMatchObject({ spec: { replicas: 0 } });
    const writes = rig.cluster.api.audit.writes({ gvr: widgets, name: 'web' });
    expect(writes.filter(({ subresource }) => subresource === 'scale')).toEqual([]);
  });

  test('is parked and woken through Services that its controller narrows, whose selectors stay as they are', async () => {
    const rig = await awake({}, { 'scaler/metrics': 'requests_per_5m<=0' });
    const { api, service } = rig.cluster;
    const hash = api.store.list('v1/pods', { namespace }).items[0]?.metadata.labels?.['pod-template-hash'] ?? '';
    const narrowed = async (name: string, label: Record<string, string>): Promise<void> => {
      const ports = { port: 80, targetPort: 8080, portName: 'http' };
      await service(namespace, name, { ...ports, selector: { app: 'web', ...label } });
    };
    await narrowed('web', { 'pod-template-hash': hash });
    await narrowed('canary', { 'a-hash': 'gone' });
    await rig.until(() => rig.leader.resources.get('shop/web')?.targets?.length === 2);
    await rig.until(() => rig.leader.resources.get('shop/web')?.blocked === undefined);
    await rig.leader.putToSleep(ref);
    for (const name of ['web', 'canary']) expect(rig.routing(name)).toEqual({ key: undefined, slices: 1 });
    await rig.waitForDlxOnly('web');
    expect(await ask(rig.url('web'))).toBe(200);
    // No pod is of the revision that the second one leads to: what it waits for does not come.
    await rig.until(() => phase(rig.widget()) === 'awake');
    for (const name of ['web', 'canary']) expect(rig.routing(name)).toEqual({ key: undefined, slices: 0 });
    expect(api.audit.writes({ gvr: 'v1/services', name: 'web' }).filter(({ verb }) => verb === 'patch')).toEqual([]);
  });

  test('is woken and handed back once it is opted out, and nothing of the scaler is left on it', async () => {
    const rig = await awake();
    await rig.leader.putToSleep(ref);
    const body = { metadata: { labels: { 'scaler/enabled': null } } };
    rig.cluster.api.store.patch(widgets, namespace, 'web', { type: 'merge', body });
    await rig.until(
      () => !Object.keys(rig.widget().metadata.labels ?? {}).some((label) => label.startsWith('scaler/')),
    );
    expect(rig.widget()).toMatchObject({ spec: { replicas: 2 } });
    expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
  });

  test('is not begun with in a dry run', async () => {
    const rig = await startRig({ dryRun: true, apiKinds: [widgetKind], options: { kinds: 'example.com/v1/widgets' } });
    ended.push(rig.close, startWidgetOperator(rig.cluster));
    await rig.cluster.apply({
      ...{ apiVersion: 'example.com/v1', kind: 'Widget', spec: { replicas: 1 } },
      metadata: { ...ref, labels: { 'scaler/enabled': 'true' } },
    });
    await rig.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
    await rig.until(() => rig.leader.resources.get('shop/web')?.dryRun === true);
    expect(phase(rig.cluster.api.store.get<Widget>(widgets, namespace, 'web'))).toBeUndefined();
  });
});

async function discovered(
  kinds: string,
  api: FakeApiOptions = {},
): Promise<{ kinds: WorkloadKinds; api: FakeApi; client: KubeClient }> {
  const fake = await startFakeApi({ kinds: [widgetKind], ...api });
  const client = await clientOf(fake);
  ended.push(fake.close, client.close);
  const context = { namespaces: undefined, logger: silentLogger };
  return { kinds: await discoverKinds(client, context, parseOptions({ kinds }).kinds, bothKinds), api: fake, client };
}

describe('the option kinds', () => {
  test('takes the name of a kind from the API', async () => {
    const { kinds } = await discovered('example.com/v1/widgets');
    expect(kinds).toMatchObject([
      { kind: { kind: 'Widget', plural: 'widgets' }, scaleOnly: true, replicasPath: '/spec/replicas' },
    ]);
    const inPlace = await discovered('example.com/v1/widgets=/spec/size');
    expect(inPlace.kinds).toMatchObject([{ scaleOnly: false, replicasPath: '/spec/size' }]);
  });

  test('takes a kind that is not installed as it is named, so that it is followed from when it comes', async () => {
    const { kinds } = await discovered('later.example.com/v1/gadgets');
    expect(kinds).toMatchObject([{ kind: { plural: 'gadgets', group: 'later.example.com' }, optional: true }]);
  });

  const unscaled = { ...widgetKind, scale: undefined };
  const { scale: _, ...withoutScale } = unscaled;
  test.each<[string, string, FakeApiOptions, RegExp]>([
    ['the group has not', 'example.com/v1/gadgets', {}, /has no gadgets; it has widgets$/],
    ['has no /scale', 'example.com/v1/widgets', { kinds: [withoutScale] }, /has no \/scale; name the path/],
    [
      'has no namespace',
      'example.com/v1/widgets',
      { kinds: [{ ...widgetKind, namespaced: false }] },
      /has no namespace/,
    ],
    ['is scaled already', 'apps/v1/deployments', {}, /deployments\.apps is scaled already/],
    [
      'must not be listed',
      'example.com/v1/widgets',
      { authorize: ({ resource }) => resource !== 'widgets' },
      /must not be listed; its ClusterRole needs get, list, watch, patch on widgets and update on widgets\/scale of example\.com/,
    ],
  ])('stops the start where it names a kind that %s', async (_name, kinds, api, why) => {
    await expect(discovered(kinds, api)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(why),
    });
  });

  test.each([
    ['widgets', /must be written as group\/version\/plural/],
    ['example.com/v1/widgets=spec', /must be written as/],
    ['example.com/v1/widgets,example.com/v2/widgets', /named twice/],
  ])('%s is refused', (kinds, why) => {
    expect(() => parseOptions({ kinds })).toThrow(why);
  });
});
