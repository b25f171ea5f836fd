import { readFileSync } from 'node:fs';
import https from 'node:https';
import { json } from './http-json.ts';

/** By `NAMESPACE/NAME` of a Deployment: its metrics, with their quantities. */
export type Values = ReadonlyMap<string, Readonly<Record<string, string>>>;

const group = 'custom.metrics.k8s.io/v1beta2';
const base = `/apis/${group}`;

/** A small server of the custom metrics API, for an APIService, on a port, with the certificate in `/tls`. */
export function serveCustomMetrics(values: Values, port: number): void {
  const pems = { key: readFileSync('/tls/tls.key'), cert: readFileSync('/tls/tls.crt') };
  const server = https.createServer(pems, (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === base) return json(response, 200, discovery(values));
    const match = /^\/namespaces\/([^/]+)\/[^/]+\/([^/]+)\/([^/]+)$/.exec(path.slice(base.length));
    if (!path.startsWith(base) || !match) return json(response, 404, { kind: 'Status', status: 'Failure', code: 404 });
    const [, namespace = '', name = '', metric = ''] = match.map(decodeURIComponent);
    const items = itemsOf(values, namespace, name, metric);
    return json(response, 200, { kind: 'MetricValueList', apiVersion: group, metadata: {}, items });
  });
  // Longer than the API server keeps its connections to us: it would send on one that we are just closing.
  server.keepAliveTimeout = 120_000;
  server.listen(port, '0.0.0.0');
}

function discovery(values: Values): object {
  const names = new Set([...values.values()].flatMap((metrics) => Object.keys(metrics)));
  const common = { singularName: '', namespaced: true, kind: 'MetricValueList', verbs: ['get'] };
  const resources = [...names].map((name) => ({ name: `deployments.apps/${name}`, ...common }));
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group, resources };
}

function itemsOf(values: Values, namespace: string, name: string, metric: string): object[] {
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
