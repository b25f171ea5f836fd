import { kubectl } from '@scaler/chart';
import type { KubeClient } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import type { Answer, Ask, FlowOptions, FlowReport } from '../programs/asks.ts';
import { askPod, type Pod, readyPod } from './api.ts';
import { until } from '@scaler/command';
import { installHelpers, systemNamespace } from './helpers.ts';

export type { Answer, Ask, FlowReport };

/** Flows of GETs at a steady rate, by name. */
export interface Traffic {
  start(id: string, flow: FlowOptions): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  stop(id: string): Promise<void>;
  reports(): Promise<Record<string, FlowReport>>;
}

/** The client pod, in the cluster, so that the node's own kube-proxy is asked. */
export interface Client {
  /** Asks once, and waits for the end; never rejects for what became of the request. */
  ask(ask: Ask): Promise<Answer>;
  readonly traffic: Traffic;
  /** What the custom metrics API says of a Deployment: `requests_per_4s`, per second. */
  setMetric(namespace: string, name: string, value: string): Promise<void>;
}

let serial = 0;

/** The API server may be away for a moment, as when a scenario restarts it. */
async function persistently<T>(what: string, call: () => Promise<T>): Promise<T> {
  return until(what, 60_000, async () => ((await call()) ?? null) as T);
}

/** Makes the client's pods; on a node which no scenario drains or cuts off, where one is named. */
export async function createClient(kube: KubeClient, image: string, nodeName?: string): Promise<Client> {
  await installHelpers(kube, image, nodeName);
  const podOf = async (name: string, port: number): Promise<Pod> => {
    // That of an earlier run may be on its way out.
    await kubectl(['-n', systemNamespace, 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
    return { namespace: systemNamespace, name: await readyPod(kube, systemNamespace, name), port };
  };
  const [pod, metrics] = await Promise.all([podOf('client', 9000), podOf('metrics', 9001)]);
  return {
    async ask(ask) {
      const id = `${process.pid}-${(serial += 1)}`;
      await persistently('the client', () => askPod(kube, pod, 'PUT', `/asks/${id}`, ask));
      for (;;) {
        const { answer } = (await persistently('the client', () => askPod(kube, pod, 'GET', `/asks/${id}`))) as {
          answer?: Answer;
        };
        if (answer) return answer;
        await systemClock.sleep(20);
      }
    },
    traffic: createTraffic(kube, pod),
    setMetric: async (namespace, name, value) =>
      void (await persistently('the metrics API', () =>
        askPod(kube, metrics, 'PUT', `/values/${namespace}/${name}`, { requests_per_4s: value }),
      )),
  };
}

function createTraffic(kube: KubeClient, pod: Pod): Traffic {
  const flow = (id: string, verb = ''): string => `/flows/${encodeURIComponent(id)}${verb}`;
  return {
    start: async (id, options) => void (await askPod(kube, pod, 'PUT', flow(id), options)),
    pause: async (id) => void (await askPod(kube, pod, 'POST', flow(id, '/pause'))),
    resume: async (id) => void (await askPod(kube, pod, 'POST', flow(id, '/resume'))),
    stop: async (id) => void (await askPod(kube, pod, 'DELETE', flow(id))),
    reports: async () => (await askPod(kube, pod, 'GET', '/flows')) as Record<string, FlowReport>,
  };
}
