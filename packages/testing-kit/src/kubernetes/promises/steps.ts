import assert from 'node:assert/strict';
import { type Document, type RawApi, type RawRequestOptions, type RawResponse } from './raw-api.ts';

/** One promise of every Kubernetes API server. */
export type Promised = { name: string; run(api: RawApi): Promise<void> };

/** Content types of patches. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/** The path of the objects of a kind, or of one of them. */
export function at({ namespace }: RawApi, gvr: string, name = '', subresource = ''): string {
  const parts = gvr.split('/');
  const prefix = parts.length === 2 ? `/api/${parts[0]}` : `/apis/${parts[0]}/${parts[1]}`;
  return [`${prefix}/namespaces/${namespace}/${parts.at(-1)}`, name, subresource]
    .filter((part) => part !== '')
    .join('/');
}

/** Sends a request and demands a status. */
export async function expectStatus(
  api: RawApi,
  status: number,
  method: string,
  path: string,
  options: RawRequestOptions = {},
): Promise<Document> {
  const answer: RawResponse = await api.request(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 600)}`);
  return answer.body;
}

/** Sends a request and demands a refusal with a proper Status body. */
export async function expectRefusal(
  api: RawApi,
  status: number,
  reason: string | undefined,
  method: string,
  path: string,
  options: RawRequestOptions = {},
): Promise<Document> {
  const body = await expectStatus(api, status, method, path, options);
  assert.equal(body.kind, 'Status');
  assert.equal(body.apiVersion, 'v1');
  assert.equal(body.status, 'Failure');
  assert.equal(body.code, status);
  assert.equal(body.reason, reason);
  assert.equal(typeof body.message, 'string');
  return body;
}

/** Creates an object under a name of its own. */
export async function create(api: RawApi, gvr: string, object: Document): Promise<Document> {
  const metadata = { ...(object.metadata?.name === undefined ? { generateName: 'promise-' } : {}), ...object.metadata };
  return expectStatus(api, 201, 'POST', at(api, gvr), { body: { ...object, metadata } });
}

export function configMap(api: RawApi, more: Document = {}): Promise<Document> {
  return create(api, 'v1/configmaps', { data: { key: 'value' }, ...more });
}

const podSpec = {
  containers: [{ name: 'app', image: 'localhost/pause:1', imagePullPolicy: 'Never', ports: [{ containerPort: 80 }] }],
};

/** A workload that never has pods, so that it is about the API and not about its controller. */
export function workload(
  api: RawApi,
  resource: 'deployments' | 'statefulsets' | 'replicasets' = 'deployments',
  metadata: Document = {},
): Promise<Document> {
  const labels = { app: 'promise' };
  const spec = { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } };
  return create(api, `apps/v1/${resource}`, {
    metadata,
    spec: resource === 'statefulsets' ? { ...spec, serviceName: 'none' } : spec,
  });
}

export function service(api: RawApi, spec: Document = {}): Promise<Document> {
  return create(api, 'v1/services', {
    metadata: { generateName: 'promise-' },
    spec: { selector: { app: 'none' }, ports: [{ port: 80 }], ...spec },
  });
}

/** A pod that no node runs: either bound to a node that does not exist, or never scheduled. */
export function pod(api: RawApi, spec: Document): Promise<Document> {
  return create(api, 'v1/pods', { spec: { ...podSpec, automountServiceAccountToken: false, ...spec } });
}

export function get(api: RawApi, gvr: string, name: string, subresource = ''): Promise<Document> {
  return expectStatus(api, 200, 'GET', at(api, gvr, name, subresource));
}

export function patch(
  api: RawApi,
  gvr: string,
  name: string,
  type: keyof typeof patchTypes,
  body: Document,
  subresource = '',
): Promise<Document> {
  return expectStatus(api, 200, 'PATCH', at(api, gvr, name, subresource), { body, contentType: patchTypes[type] });
}

/** Demands that a JSON patch is refused as Invalid. */
export function patchFails(
  api: RawApi,
  gvr: string,
  name: string,
  body: Document,
  subresource = '',
): Promise<Document> {
  return expectRefusal(api, 422, 'Invalid', 'PATCH', at(api, gvr, name, subresource), {
    body,
    contentType: patchTypes.json,
  });
}

/** The first `count` events of a watch. */
export async function take(
  api: RawApi,
  gvr: string,
  query: Record<string, string>,
  count: number,
): Promise<{ type: string; object: Document }[]> {
  const abort = new AbortController();
  const timer = setTimeout(
    () => abort.abort(new Error(`only ${events.length} of ${count} events of ${gvr} came within 10 s`)),
    10_000,
  );
  const events: { type: string; object: Document }[] = [];
  try {
    for await (const event of api.watch(at(api, gvr), query, abort.signal)) {
      events.push(event);
      if (events.length === count) break;
    }
  } finally {
    clearTimeout(timer);
  }
  assert.equal(events.length, count);
  return events;
}
