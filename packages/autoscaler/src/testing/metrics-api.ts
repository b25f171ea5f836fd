import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKube, type KubeClient } from '@scaler/kube';
import { silentLogger } from '@scaler/testing-kit';

/** A server with the custom metrics API alone, which records its calls, and a client for it. */
export interface FakeMetricsApi {
  client: KubeClient;
  /** Paths of the metric calls, in order; discovery is not among them. */
  readonly asked: string[];
  /** The answers for `namespace/metric`: items, or a status. Absent: 404. */
  readonly answers: Map<string, readonly object[] | number>;
  /** Whether the API group exists. */
  present: boolean;
  close(): Promise<void>;
}

export function metricValue(name: string, value: string, timestampMs: number, namespace = 'default'): object {
  return {
    describedObject: { kind: 'Deployment', apiVersion: 'apps/v1', namespace, name },
    timestamp: new Date(timestampMs).toISOString(),
    value,
  };
}

export async function startFakeMetricsApi(): Promise<FakeMetricsApi> {
  const asked: string[] = [];
  const answers = new Map<string, readonly object[] | number>();
  const server = createServer((request, response) => {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (!fake.present) return send(404, {});
    if (path === '/apis/custom.metrics.k8s.io') return send(200, { versions: [{ version: 'v1beta1' }] });
    asked.push(path);
    const match = /v1beta1\/namespaces\/([^/]+)\/deployments\.apps\/[^/]+\/([^/]+)$/.exec(decodeURIComponent(path));
    const answer = answers.get(`${match?.[1]}/${match?.[2]}`) ?? 404;
    return typeof answer === 'number' ? send(answer, { message: `status ${answer}` }) : send(200, { items: answer });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = await clientFor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const fake: FakeMetricsApi = {
    client,
    asked,
    answers,
    present: true,
    close: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

async function clientFor(server: string): Promise<KubeClient> {
  const folder = await mkdtemp(join(tmpdir(), 'scaler-metrics-'));
  const kubeconfig = join(folder, 'kubeconfig.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server } }],
    users: [{ name: 'fake', user: {} }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    'current-context': 'fake',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  try {
    return await connectKube({ kubeconfig, userAgent: 'test', logger: silentLogger });
  } finally {
    await rm(folder, { recursive: true });
  }
}
