import { afterEach, describe, expect, test } from '@jest/globals';
import { customKind, jsonPatch, kinds } from '../index.ts';
import { type Script, type ScriptedApi, sendJson, sendStatus, startScriptedApi } from '../testing/scripted-api.ts';

let api: ScriptedApi;
afterEach(() => api.close());

async function clientOf(script: Script) {
  api = await startScriptedApi(script);
  return api.client;
}

const ref = { namespace: 'shop', name: 'web' };

describe('the typed calls', () => {
  test('put each verb on the path of its kind', async () => {
    const client = await clientOf((request, response) =>
      sendJson(response, 200, { metadata: { name: 'web' }, spec: {}, path: request.path }),
    );
    const route = customKind({
      group: 'gateway.networking.k8s.io',
      version: 'v1',
      plural: 'httproutes',
      kind: 'HTTPRoute',
      namespaced: true,
    });
    await client.get(kinds.pod, ref);
    await client.get(kinds.namespace, { name: 'shop' });
    await client.get(route, ref);
    await client.create(kinds.endpointSlice, { metadata: ref, addressType: 'IPv4', endpoints: [] });
    await client.replace(kinds.lease, { metadata: { ...ref, resourceVersion: '7' } });
    await client.patch(kinds.deployment, ref, [jsonPatch.test('/spec/replicas', 1)]);
    await client.patch(kinds.deployment, ref, { spec: {} });
    await client.delete(kinds.service, ref, { preconditions: { uid: 'u' } });
    await client.putScale(kinds.statefulSet, ref, { replicas: 3, resourceVersion: '9' });
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/namespaces/shop/pods/web',
      'GET /api/v1/namespaces/shop',
      'GET /apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web',
      'POST /apis/discovery.k8s.io/v1/namespaces/shop/endpointslices',
      'PUT /apis/coordination.k8s.io/v1/namespaces/shop/leases/web',
      'PATCH /apis/apps/v1/namespaces/shop/deployments/web',
      'PATCH /apis/apps/v1/namespaces/shop/deployments/web',
      'DELETE /api/v1/namespaces/shop/services/web',
      'PUT /apis/apps/v1/namespaces/shop/statefulsets/web/scale',
    ]);
    expect(api.requests[3]?.body).toMatchObject({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' });
    expect(api.requests[5]?.headers['content-type']).toBe('application/json-patch+json');
    expect(api.requests[6]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(api.requests[6]?.query.get('fieldManager')).toBe('scaler');
    // The API gives a write up when its sender does.
    const limits = api.requests.map(({ query }) => query.get('timeout'));
    expect(limits).toEqual([null, null, null, ...Array.from({ length: 6 }, () => '10s')]);
    expect(api.requests[7]?.body).toMatchObject({ preconditions: { uid: 'u' } });
    expect(api.requests[8]?.body).toMatchObject({ metadata: { resourceVersion: '9' }, spec: { replicas: 3 } });
  });

  test('refuse an object without namespace or name, rather than mean all of them', async () => {
    const client = await clientOf((_request, response) => sendJson(response, 200, {}));
    await expect(client.delete(kinds.pod, { namespace: 'shop', name: '' })).rejects.toMatchObject({
      code: 'bad-config',
    });
    await expect(client.get(kinds.pod, { name: 'web' })).rejects.toMatchObject({ code: 'bad-config' });
    await expect(client.get(kinds.pod, { namespace: '', name: 'web' })).rejects.toMatchObject({ code: 'bad-config' });
    await expect(client.create(kinds.pod, { metadata: { name: 'web' } })).rejects.toMatchObject({ code: 'bad-config' });
    expect(api.requests).toHaveLength(0);
  });
});

describe('a list', () => {
  test('follows its pages and keeps only what is trimmed', async () => {
    const client = await clientOf(({ query }, response) => {
      const page = Number(query.get('continue') ?? 0);
      sendJson(response, 200, {
        metadata: { resourceVersion: '42', continue: page < 2 ? String(page + 1) : '' },
        items: page === 1 ? null : [{ metadata: { name: `pod-${page}` } }],
      });
    });
    const { items, resourceVersion } = await client.list(kinds.pod, {
      labelSelector: 'a=b',
      trim: (pod) => pod.metadata?.name,
    });
    expect({ items, resourceVersion }).toEqual({ items: ['pod-0', 'pod-2'], resourceVersion: '42' });
    expect(api.requests.map(({ query }) => query.get('limit'))).toEqual(['500', '500', '500']);
    expect(api.requests[2]?.query.get('labelSelector')).toBe('a=b');
  });

  test('starts again when its continue token is too old', async () => {
    let expired = false;
    const client = await clientOf(({ query }, response) => {
      if (query.get('continue') === null) {
        const metadata = { resourceVersion: '1', continue: expired ? '' : 'x' };
        return sendJson(response, 200, { metadata, items: [{ metadata: { name: expired ? 'new' : 'old' } }] });
      }
      expired = true;
      sendStatus(response, 410, 'Expired', 'The provided continue parameter is too old');
    });
    const { items } = await client.list(kinds.pod, { trim: (pod) => pod.metadata?.name });
    expect(items).toEqual(['new']);
  });

  test('that is none is a bad answer', async () => {
    const client = await clientOf((_request, response) =>
      sendJson(response, 200, { kind: 'Pod', metadata: { resourceVersion: '1' } }),
    );
    await expect(client.list(kinds.pod, { trim: (pod) => pod })).rejects.toMatchObject({ code: 'bad-answer' });
  });
});
