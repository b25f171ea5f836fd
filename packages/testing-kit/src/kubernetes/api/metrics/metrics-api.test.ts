import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createFakeClock } from '../../../clock.ts';
import { connectRawApi, type Document, type RawApi } from '../../promises/raw-api.ts';
import { type FakeApi, startFakeApi } from '../fake-api.ts';

const v1 = '/apis/custom.metrics.k8s.io/v1beta1';
const v2 = '/apis/custom.metrics.k8s.io/v1beta2';
const shop = { namespace: 'default', resource: 'deployments.apps', name: 'shop', metric: 'requests_per_1m' };
let api: FakeApi;
let raw: RawApi;

beforeEach(async () => {
  api = await startFakeApi({ clock: createFakeClock(Date.UTC(2026, 0, 1)) });
  raw = connectRawApi({ url: api.url, token: 'tester', namespace: 'default' });
  const labels = { app: 'x' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  for (const [name, tier] of [
    ['shop', 'front'],
    ['cart', 'back'],
  ] as const) {
    api.store.create('apps/v1/deployments', {
      metadata: { name, namespace: 'default', labels: { tier } },
      spec: { selector: { matchLabels: labels }, template },
    });
  }
});

afterEach(() => api.close());

async function items(path: string, query: Record<string, string> = {}): Promise<Document[]> {
  const { status, body } = await raw.request('GET', path, { query });
  expect([status, body.kind]).toEqual([200, 'MetricValueList']);
  return body.items;
}

test('a value has the shape of its version, window included', async () => {
  api.metrics.set({ ...shop, value: '100m', windowSeconds: 60 });
  const describedObject = { kind: 'Deployment', namespace: 'default', name: 'shop', apiVersion: 'apps/v1' };
  const path = '/namespaces/default/deployments.apps/shop/requests_per_1m';
  const timestamp = '2026-01-01T00:00:00Z';
  expect(await items(v1 + path)).toEqual([
    { describedObject, metricName: 'requests_per_1m', timestamp, window: 60, value: '100m', selector: null },
  ]);
  expect(await items(v2 + path)).toEqual([
    {
      describedObject,
      metric: { name: 'requests_per_1m', selector: null },
      timestamp,
      windowSeconds: 60,
      value: '100m',
    },
  ]);
});

test('* is every object there is that has a value, narrowed by labels; calls are counted by metric', async () => {
  api.metrics.set({ ...shop, value: '1' });
  api.metrics.set({ ...shop, name: 'cart', value: '2' });
  api.metrics.set({ ...shop, name: 'gone', value: '3' });
  const path = `${v1}/namespaces/default/deployments.apps/*/requests_per_1m`;
  const named = async (query = {}): Promise<string[]> =>
    (await items(path, query)).map(({ describedObject }) => describedObject.name);
  expect(await named()).toEqual(['shop', 'cart']);
  expect(await named({ labelSelector: 'tier=back' })).toEqual(['cart']);
  expect([api.metrics.calls('requests_per_1m'), api.metrics.calls('other'), api.metrics.calls()]).toEqual([2, 0, 2]);
});

test('two values for one object, garbage and an old timestamp are passed on as they are', async () => {
  api.metrics.set({ ...shop, value: 'NaN', timestamp: Date.UTC(2020, 0, 1) });
  api.metrics.add({ ...shop, value: '5' });
  const list = await items(`${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`);
  expect(list.map(({ value, timestamp }) => [value, timestamp])).toEqual([
    ['NaN', '2020-01-01T00:00:00Z'],
    ['5', '2026-01-01T00:00:00Z'],
  ]);
  api.metrics.set({ ...shop, value: '6' });
  expect(await items(`${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`)).toHaveLength(1);
});

test('a value can be a function of the moment, and no value is 404 like an unknown metric', async () => {
  let value: string | undefined = '7';
  api.metrics.set({ ...shop, value: () => value });
  const path = `${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`;
  expect((await items(path))[0].value).toBe('7');
  value = undefined;
  expect(await raw.request('GET', path)).toMatchObject({ status: 404, body: { reason: 'NotFound' } });
});

test('the series of a metric are selected by their labels', async () => {
  api.metrics.set({ ...shop, value: '1', labels: { verb: 'get' } });
  api.metrics.add({ ...shop, value: '2', labels: { verb: 'put' } });
  const path = `${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`;
  expect((await items(path, { metricLabelSelector: 'verb=put' })).map(({ value }) => value)).toEqual(['2']);
});

test('metrics of nodes and of namespaces have no namespace', async () => {
  api.store.create('v1/nodes', { metadata: { name: 'n' } });
  api.metrics.set({ resource: 'nodes', name: 'n', metric: 'load', value: '1' });
  api.metrics.set({ resource: 'namespaces', name: 'default', metric: 'load', value: '2' });
  expect((await items(`${v1}/nodes/n/load`))[0].describedObject).toEqual({ kind: 'Node', name: 'n', apiVersion: 'v1' });
  expect((await items(`${v1}/namespaces/default/metrics/load`))[0].value).toBe('2');
});

test('an absent group is in no discovery and answers 404; an absent version answers 404', async () => {
  api.metrics.set({ ...shop, value: '1' });
  api.metrics.serve({ custom: ['v1beta2'] });
  expect((await raw.request('GET', `${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`)).status).toBe(404);
  expect((await raw.request('GET', '/apis/custom.metrics.k8s.io')).body.preferredVersion.version).toBe('v1beta2');
  api.metrics.serve({ custom: [] });
  const { body } = await raw.request('GET', '/apis');
  expect(body.groups.map(({ name }: { name: string }) => name)).not.toContain('custom.metrics.k8s.io');
  expect((await raw.request('GET', v2)).status).toBe(404);
});

test('while the adapter is down the aggregation layer answers 503 in plain text', async () => {
  api.metrics.set({ ...shop, value: '1' });
  api.metrics.unavailable(true);
  expect(await raw.request('GET', `${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`)).toMatchObject({
    status: 503,
    body: 'service unavailable\n',
  });
  api.metrics.unavailable(false);
  expect(await items(`${v1}/namespaces/default/deployments.apps/shop/requests_per_1m`)).toHaveLength(1);
});

test('external metrics are found by their labels', async () => {
  api.metrics.setExternal({ namespace: 'default', metric: 'queue', labels: { q: 'a' }, value: '3' });
  api.metrics.setExternal({ namespace: 'default', metric: 'queue', labels: { q: 'b' }, value: '4' });
  const { body } = await raw.request('GET', '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue', {
    query: { labelSelector: 'q=b' },
  });
  expect(body).toMatchObject({
    kind: 'ExternalMetricValueList',
    items: [{ metricName: 'queue', metricLabels: { q: 'b' }, value: '4' }],
  });
});
