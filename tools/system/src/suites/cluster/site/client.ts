import { kubectl } from '@scaler/chart';
import { until } from '@scaler/command';
import type { KubeClient } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import type { Answer, Ask, FlowOptions, FlowReport } from '../programs/asks.ts';
import { installHelpers, systemNamespace } from './helpers.ts';

export type { Answer, Ask, FlowReport };

/** The report of a flow that is not there. */
export const noFlow: FlowReport = { sent: 0, ok: 0, inFlight: 0, failed: 0, slowestMs: 0, errors: [] };

/** Flows of GETs at a steady rate, by name. */
export interface Traffic {
  start(id: string, flow: FlowOptions): Promise<unknown>;
  pause(id: string): Promise<unknown>;
  resume(id: string): Promise<unknown>;
  stop(id: string): Promise<unknown>;
  reports(): Promise<Record<string, FlowReport>>;
}

/** The client pod, in the cluster, so that the node's own kube-proxy is asked. */
export interface Client {
  /** Asks once, and waits for the end; never rejects for what became of the request. */
  ask(ask: Ask): Promise<Answer>;
  readonly traffic: Traffic;
  /** The value that the custom metrics API has for a Deployment: `requests_per_4s`, per second. */
  setMetric(namespace: string, name: string, value: string): Promise<void>;
}

/** A pod, and a port of its. */
export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

let serial = 0;

/** Asks a pod's HTTP port through the API server, which works wherever kubectl does. */
export function askPod(
  client: KubeClient,
  { namespace, name, port }: Pod,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const base = `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy`;
  return client.request(method, `${base}${path}`, { body, contentType: 'application/json', timeoutMs: 90_000 });
}

/** Makes the client's pod; on a node which no scenario drains or cuts off, where one is named. */
export async function createClient(kube: KubeClient, image: string, nodeName?: string): Promise<Client> {
  await installHelpers(image, nodeName);
  // That of an earlier run may be on its way out.
  await kubectl(['-n', systemNamespace, 'rollout', 'status', 'deployment/client', '--timeout=60s']);
  const pod = { namespace: systemNamespace, name: await readyClient(kube), port: 9000 };
  const call = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> =>
    askPod(kube, pod, method, path, body);
  /** The API server may be away for a moment, as when a scenario restarts it. */
  const persistently = <T>(...given: Parameters<typeof call>): Promise<T> =>
    until('the client', 60_000, async () => ((await call(...given)) ?? null) as T);
  const flow = (id: string, verb = ''): string => `/flows/${encodeURIComponent(id)}${verb}`;
  return {
    async ask(ask) {
      const id = `${process.pid}-${(serial += 1)}`;
      await persistently('PUT', `/asks/${id}`, ask);
      for (;;) {
        const { answer } = await persistently<{ answer?: Answer }>('GET', `/asks/${id}`);
        if (answer) return answer;
        await systemClock.sleep(20);
      }
    },
    traffic: {
      start: (id, options) => call('PUT', flow(id), options),
      pause: (id) => call('POST', flow(id, '/pause')),
      resume: (id) => call('POST', flow(id, '/resume')),
      stop: (id) => call('DELETE', flow(id)),
      reports: async () => (await call('GET', '/flows')) as Record<string, FlowReport>,
    },
    setMetric: async (namespace, name, value) =>
      void (await persistently('PUT', `/values/${namespace}/${name}`, { requests_per_4s: value })),
  };
}

/** The name of the only ready one. */
function readyClient(kube: KubeClient): Promise<string> {
  return until('a ready pod of the client', 60_000, async () => {
    const query = { labelSelector: 'app=client' };
    const { items } = (await kube.request('GET', `/api/v1/namespaces/${systemNamespace}/pods`, { query })) as {
      items: {
        metadata: { name: string; deletionTimestamp?: string };
        status: { conditions?: { type: string; status: string }[] };
      }[];
    };
    const isReady = ({ metadata, status: { conditions = [] } }: (typeof items)[number]): boolean =>
      !metadata.deletionTimestamp && conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    return items.find(isReady)?.metadata.name;
  });
}
