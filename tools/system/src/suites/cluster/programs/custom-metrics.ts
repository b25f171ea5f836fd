/**
 * A small server of the custom metrics API, for an APIService: it says of each object, of whatever kind, what it was told.
 *
 *   HTTPS, PORT (default 6443): /apis/custom.metrics.k8s.io/v1beta2/...
 *   HTTP, CONTROL_PORT (default 9001): PUT /values/NAMESPACE/NAME {metric: quantity}; GET /calls
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { json, readJson } from './http-json.ts';

const group = 'custom.metrics.k8s.io/v1beta2';
const base = `/apis/${group}`;
const values = new Map<string, Record<string, string>>();
const calls = new Map<string, number>();

function discovery(): object {
  const names = new Set([...values.values()].flatMap((metrics) => Object.keys(metrics)));
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group,
    resources: [...names].map((name) => ({
      name: `deployments.apps/${name}`,
      singularName: '',
      namespaced: true,
      kind: 'MetricValueList',
      verbs: ['get'],
    })),
  };
}

function valuesOf(namespace: string, name: string, metric: string): object[] {
  return [...values].flatMap(([key, metrics]) => {
    const [ns = '', object = ''] = key.split('/');
    const value = metrics[metric];
    if (ns !== namespace || (name !== '*' && name !== object) || value === undefined) return [];
    return {
      describedObject: { kind: 'Deployment', namespace: ns, name: object, apiVersion: 'apps/v1' },
      metric: { name: metric, selector: null },
      timestamp: new Date().toISOString().replace(/\.\d+Z/, 'Z'),
      value,
    };
  });
}

const api = https.createServer(
  {
    key: readFileSync(process.env['TLS_KEY'] ?? '/tls/tls.key'),
    cert: readFileSync(process.env['TLS_CERT'] ?? '/tls/tls.crt'),
  },
  (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === base) return json(response, 200, discovery());
    const match = /^\/namespaces\/([^/]+)\/[^/]+\/([^/]+)\/([^/]+)$/.exec(path.slice(base.length));
    if (!path.startsWith(base) || !match) return json(response, 404, { kind: 'Status', status: 'Failure', code: 404 });
    const [, namespace = '', name = '', metric = ''] = match.map(decodeURIComponent);
    calls.set(metric, (calls.get(metric) ?? 0) + 1);
    const items = valuesOf(namespace, name, metric);
    return json(response, 200, { kind: 'MetricValueList', apiVersion: group, metadata: {}, items });
  },
);
// Longer than the API server keeps its connections to us: it would send on one that we are just closing.
api.keepAliveTimeout = 120_000;
api.listen(Number(process.env['PORT'] ?? 6443), '0.0.0.0');

const control = http.createServer(async (request, response) => {
  const [, noun = '', namespace = '', name = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
  if (noun === 'values' && request.method === 'PUT') {
    values.set(`${namespace}/${name}`, (await readJson(request)) as Record<string, string>);
  }
  json(response, 200, noun === 'calls' ? Object.fromEntries(calls) : Object.fromEntries(values));
});
control.keepAliveTimeout = 120_000;
control.listen(Number(process.env['CONTROL_PORT'] ?? 9001), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
