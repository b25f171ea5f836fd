import { afterEach, describe, expect, test } from '@jest/globals';
import {
  createCustomMetricsClient,
  createExternalMetricsClient,
  isUnknownMetric,
  type ObjectMetrics,
} from '../index.ts';
import {
  type Script,
  type ScriptedApi,
  sendJson,
  sendStatus,
  startScriptedApi,
  until,
} from '../testing/scripted-api.ts';

let api: ScriptedApi;
afterEach(() => api.close());

const timestamp = '2026-01-01T00:00:00Z';
const query = { namespace: 'shop', resource: 'deployments.apps', metric: 'requests_per_5m' };

/** A metrics API of one version that answers with these items. */
function serving(group: string, versions: readonly string[], answer: Script): Script {
  return (request, response) => {
    if (request.path === `/apis/${group}`) {
      return sendJson(response, 200, { kind: 'APIGroup', versions: versions.map((version) => ({ version })) });
    }
    if (!versions.some((version) => request.path.startsWith(`/apis/${group}/${version}/`))) {
      return sendStatus(response, 404, 'NotFound', 'the server could not find the requested resource');
    }
    answer(request, response);
  };
}

function values(...items: readonly (readonly [name: string, value: unknown, timestamp?: unknown])[]): Script {
  return (_request, response) =>
    sendJson(response, 200, {
      kind: 'MetricValueList',
      items: items.map(([name, value, at = timestamp]) => ({
        describedObject: { kind: 'Deployment', namespace: 'shop', name },
        timestamp: at,
        windowSeconds: 300,
        value,
      })),
    });
}

async function customMetrics(answer: Script, versions: readonly string[] = ['v1beta2', 'v1beta1']) {
  api = await startScriptedApi(serving('custom.metrics.k8s.io', versions, answer));
  return createCustomMetricsClient({ client: api.client });
}

function of(metrics: ObjectMetrics, name: string) {
  if (isUnknownMetric(metrics)) throw new Error(metrics.reason);
  return metrics.get(name);
}

describe('the custom metrics API', () => {
  test('is asked once for all objects, in the best version it serves', async () => {
    const metrics = await customMetrics(values(['web', '100m'], ['api', '2k'], ['zero', '0']));
    const answer = await metrics.fetchObjectMetric({
      ...query,
      labelSelector: 'scaler/enabled=true',
      names: ['web', 'gone'],
    });
    expect(of(answer, 'web')).toEqual({ value: 0.1, timestampMs: Date.parse(timestamp) });
    expect(of(answer, 'api')).toMatchObject({ value: 2000 });
    expect(of(answer, 'zero')).toMatchObject({ value: 0 });
    expect(of(answer, 'gone')).toMatchObject({ unknown: 'no-sample' });
    await metrics.fetchObjectMetric(query);
    expect(api.requests.map(({ path }) => path)).toEqual([
      '/apis/custom.metrics.k8s.io',
      '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/deployments.apps/*/requests_per_5m',
      '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/deployments.apps/*/requests_per_5m',
    ]);
    expect(api.requests[1]?.query.get('labelSelector')).toBe('scaler/enabled=true');
  });

  test('is asked for one object by its own path, in v1beta1 too', async () => {
    const item = { describedObject: { name: 'web', namespace: 'shop' }, timestamp, window: 60, value: '1' };
    const answer: Script = (_request, response) => sendJson(response, 200, { items: [item] });
    const metrics = await customMetrics(answer, ['v1beta1']);
    const one = { ...query, resource: 'statefulsets.apps', name: 'web', metricLabelSelector: 'queue=a' };
    expect(of(await metrics.fetchObjectMetric(one), 'web')).toMatchObject({ value: 1 });
    expect(api.requests[1]?.path).toBe(
      '/apis/custom.metrics.k8s.io/v1beta1/namespaces/shop/statefulsets.apps/web/requests_per_5m',
    );
    expect(api.requests[1]?.query.get('metricLabelSelector')).toBe('queue=a');
  });

  test.each([{ metric: '../secrets' }, { metric: '..' }, { name: '*' }, { resource: 'pods/x' }, { metric: '' }])(
    'is not asked for %j, which would be another path',
    async (change) => {
      const metrics = await customMetrics(values(['web', '1']));
      await expect(metrics.fetchObjectMetric({ ...query, ...change })).resolves.toMatchObject({ unknown: 'bad-name' });
      const external = createExternalMetricsClient({ client: api.client });
      const bad = { namespace: 'shop', metric: '../x' };
      await expect(external.fetchExternalMetric(bad)).resolves.toMatchObject({ unknown: 'bad-name' });
      expect(api.requests).toEqual([]);
    },
  );

  test('may be replaced by one of another version', async () => {
    const metrics = await customMetrics(values(['web', '1']), ['v1beta2']);
    await metrics.fetchObjectMetric(query);
    api.answer(serving('custom.metrics.k8s.io', ['v1beta1'], values(['web', '2'])));
    expect(of(await metrics.fetchObjectMetric(query), 'web')).toMatchObject({ value: 2 });
  });

  test.each([
    ['NaN', 'NaN', timestamp, 'bad-value'],
    ['garbage', '12 apples', timestamp, 'bad-value'],
    ['no value', undefined, timestamp, 'bad-value'],
    ['no timestamp', '1', null, 'bad-timestamp'],
    ['a timestamp never set', '1', '0001-01-01T00:00:00Z', 'bad-timestamp'],
  ])('saying %s of one object makes that one unknown, and no other', async (_name, value, at, code) => {
    const metrics = await customMetrics(values(['web', value, at], ['api', '3']));
    const answer = await metrics.fetchObjectMetric(query);
    expect(of(answer, 'web')).toMatchObject({ unknown: code, reason: expect.stringContaining('deployments.apps web') });
    expect(of(answer, 'api')).toMatchObject({ value: 3 });
  });

  test('saying two or three values of one object makes it unknown', async () => {
    const metrics = await customMetrics(values(['web', '0'], ['web', '5'], ['web', '0'], ['api', '3']));
    const answer = await metrics.fetchObjectMetric(query);
    expect(of(answer, 'web')).toMatchObject({ unknown: 'several-values' });
    expect(of(answer, 'api')).toMatchObject({ value: 3 });
  });

  test.each([
    ['a metric that it does not have', 404, 'NotFound', 'no-metric'],
    ['an adapter that is down', 503, 'ServiceUnavailable', 'api-error'],
    ['a selector that is none', 400, 'BadRequest', 'refused'],
    ['a role that may not', 403, 'Forbidden', 'api-error'],
  ])('answering %s makes all unknown', async (_name, status, reason, code) => {
    const metrics = await customMetrics((_request, response) => sendStatus(response, status, reason, 'because'));
    await expect(metrics.fetchObjectMetric(query)).resolves.toMatchObject({
      unknown: code,
      reason: expect.stringContaining('because'),
    });
  });

  test('that is not there makes all unknown, until it is', async () => {
    api = await startScriptedApi((_request, response) => sendStatus(response, 404, 'NotFound', 'no such group'));
    const metrics = createCustomMetricsClient({ client: api.client });
    await expect(metrics.fetchObjectMetric(query)).resolves.toMatchObject({ unknown: 'no-api' });
    api.answer(serving('custom.metrics.k8s.io', ['v2'], values(['web', '1'])));
    await expect(metrics.fetchObjectMetric(query)).resolves.toMatchObject({
      unknown: 'no-api',
      reason: expect.stringContaining('v2'),
    });
    api.answer(serving('custom.metrics.k8s.io', ['v1beta1'], values(['web', '1'])));
    expect(of(await metrics.fetchObjectMetric(query), 'web')).toMatchObject({ value: 1 });
  });

  test('answering something else makes all unknown', async () => {
    const metrics = await customMetrics((_request, response) =>
      sendJson(response, 200, { kind: 'PodList', items: 'none' }),
    );
    await expect(metrics.fetchObjectMetric(query)).resolves.toMatchObject({ unknown: 'bad-answer' });
    api.answer(
      serving('custom.metrics.k8s.io', ['v1beta2'], (_request, response) =>
        sendJson(response, 200, { items: [{ value: '1' }] }),
      ),
    );
    await expect(metrics.fetchObjectMetric(query)).resolves.toMatchObject({ unknown: 'bad-answer' });
  });

  test('is not waited for when the caller gives up, and others still get their answer', async () => {
    const held: (() => void)[] = [];
    const discovery = serving('custom.metrics.k8s.io', ['v1beta2'], values(['web', '1']));
    api = await startScriptedApi((request, response) => void held.push(() => discovery(request, response)));
    const metrics = createCustomMetricsClient({ client: api.client });
    const stop = new AbortController();
    const given = metrics.fetchObjectMetric({ ...query, signal: stop.signal });
    const kept = metrics.fetchObjectMetric(query);
    await until(() => held.length === 1);
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted' });
    held.shift()?.();
    await until(() => held.length === 1);
    held.shift()?.();
    expect(of(await kept, 'web')).toMatchObject({ value: 1 });
  });
});

describe('the external metrics API', () => {
  const external = { namespace: 'shop', metric: 'queue_length', labelSelector: 'queue=orders' };

  async function externalMetrics(items: readonly object[]) {
    api = await startScriptedApi(
      serving('external.metrics.k8s.io', ['v1beta1'], (_request, response) => sendJson(response, 200, { items })),
    );
    return createExternalMetricsClient({ client: api.client });
  }

  test('gives the one value', async () => {
    const metrics = await externalMetrics([{ metricName: 'queue_length', timestamp, value: '12500m' }]);
    await expect(metrics.fetchExternalMetric(external)).resolves.toMatchObject({ value: 12.5 });
    expect(api.requests[1]?.path).toBe('/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue_length');
    expect(api.requests[1]?.query.get('labelSelector')).toBe('queue=orders');
  });

  test('with none or several is unknown', async () => {
    const metrics = await externalMetrics([]);
    await expect(metrics.fetchExternalMetric(external)).resolves.toMatchObject({ unknown: 'no-sample' });
    await api.close();
    const two = await externalMetrics([
      { timestamp, value: '1' },
      { timestamp, value: '2' },
    ]);
    await expect(two.fetchExternalMetric(external)).resolves.toMatchObject({ unknown: 'several-values' });
  });
});
