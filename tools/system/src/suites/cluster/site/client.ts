import { kubectl } from '@scaler/chart';
import { type KubeClient, kinds } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import { apply, askPod, readyPod, until } from './api.ts';
import { installHelpers, systemNamespace } from '../main-job/system.ts';
import { createTraffic, type Traffic } from './flows.ts';
import type { Helpers } from '../main-job/workload.ts';
import type { Answer, Ask } from '../programs/asks.ts';

export type { Answer, Ask };

/** The client pod, in the cluster, so that the node's own kube-proxy is asked. */
export interface Client {
  /** Asks once, and waits for the end; never rejects for what became of the request. */
  ask(ask: Ask): Promise<Answer>;
  /** Steady flows of GETs. */
  readonly traffic: Traffic;
  /** The names of the pods that {@link traffic} and the metrics come from. */
  readonly helpers: Helpers;
  /** What the custom metrics API says of a Deployment: `requests_per_4s`, per second. */
  setMetric(namespace: string, name: string, value: string): Promise<void>;
}

let serial = 0;

/** The API server may be away for a moment, as when a scenario restarts it. */
async function persistently<T>(what: string, call: () => Promise<T>): Promise<T> {
  return until(what, 60_000, async () => ((await call()) ?? null) as T);
}

/** Makes the client's pods on a node which no scenario drains or cuts off. */
export async function createClient(kube: KubeClient, image: string, nodeName: string): Promise<Client> {
  await installHelpers(kube, image, nodeName);
  await apply(kube, kinds.deployment, askerDeployment(image, nodeName) as never);
  const [load, metrics, asker] = await Promise.all(
    ['load', 'metrics', 'asker'].map(async (name) => {
      // Those of an earlier run may be on their way out.
      await kubectl(['-n', systemNamespace, 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
      return readyPod(kube, systemNamespace, name);
    }),
  );
  const helpers = { load: load ?? '', metrics: metrics ?? '' };
  const pod = { namespace: systemNamespace, name: asker ?? '', port: 9002 };
  const control = { namespace: systemNamespace, name: helpers.metrics, port: 9001 };
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
    traffic: createTraffic(kube, helpers),
    helpers,
    setMetric: async (namespace, name, value) =>
      void (await persistently('the metrics API', () =>
        askPod(kube, control, 'PUT', `/values/${namespace}/${name}`, { requests_per_4s: value }),
      )),
  };
}

function askerDeployment(image: string, nodeName: string): object {
  const labels = { app: 'asker' };
  const container = {
    name: 'asker',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '--disable-warning=ExperimentalWarning', 'programs/client.ts'],
    readinessProbe: { httpGet: { path: '/asks/none', port: 9002 }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  return {
    metadata: { name: 'asker', namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { nodeName, securityContext: { runAsNonRoot: true, runAsUser: 1000 }, containers: [container] },
      },
    },
  };
}
