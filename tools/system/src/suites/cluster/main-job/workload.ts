import { type Deployment, type KubeClient, kinds, type Service } from '@scaler/kube';
import { apply, askPod, until } from '../site/api.ts';
import { systemNamespace } from './system.ts';

export type Mode = 'always' | 'selector' | 'overlay';
export const modes: readonly Mode[] = ['always', 'selector', 'overlay'];

/** Where the workloads are; another namespace than the product's. */
export const appNamespace = 'scaler-e2e-apps';

/** The names of the pods that the scenarios talk to. */
export interface Helpers {
  load: string;
  metrics: string;
}

/** One workload under test: a Deployment with its Service. */
export interface Workload {
  name: string;
  mode: Mode;
  url: string;
}

interface Described {
  name: string;
  mode: Mode;
  image: string;
}

function annotationsFor(mode: Mode): Record<string, string> {
  const common = { 'scaler/routing': mode, 'scaler/cooldown': '1ms' };
  if (mode === 'always') return { ...common, 'scaler/idle-after': '2s' };
  const metric = { metric_name: 'requests', window_size: '4s', threshold: 0 };
  return { ...common, 'scaler/metrics': JSON.stringify([metric]) };
}

function deploymentFor({ name, mode, image }: Described): Deployment {
  const labels = { app: name };
  return {
    metadata: {
      name,
      namespace: appNamespace,
      labels: { ...labels, 'scaler/enabled': 'true' },
      annotations: annotationsFor(mode),
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 10,
          securityContext: { runAsNonRoot: true, runAsUser: 1000 },
          containers: [
            {
              name: 'app',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', 'app.ts'],
              ports: [{ name: 'web', containerPort: 8080 }],
              env: [{ name: 'PORT', value: '8080' }],
              readinessProbe: { httpGet: { path: '/healthz', port: 'web' }, periodSeconds: 1 },
              ...(mode === 'overlay' && { lifecycle: { preStop: { sleep: { seconds: 3 } } } }),
            },
          ],
        },
      },
    },
  } as Deployment;
}

/** Creates a workload and waits until it serves. */
export async function createWorkload(client: KubeClient, described: Described): Promise<Workload> {
  const { name, mode } = described;
  await apply(client, kinds.deployment, deploymentFor(described));
  await apply(client, kinds.service, {
    metadata: { name, namespace: appNamespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'web' as unknown as number }] },
  } as Service);
  await until(`${name} to be adopted`, 60_000, async () => {
    const { metadata, status } = await readDeployment(client, name);
    return metadata?.labels?.['scaler/phase'] === 'awake' && status?.readyReplicas === 1 ? true : undefined;
  });
  return { name, mode, url: `http://${name}.${appNamespace}/` };
}

export function readDeployment(client: KubeClient, name: string): Promise<Deployment> {
  return client.get(kinds.deployment, { namespace: appNamespace, name });
}

export function readService(client: KubeClient, name: string): Promise<Service> {
  return client.get(kinds.service, { namespace: appNamespace, name });
}

/** Waits for a phase; resolves with the Deployment as it is then. */
export function phaseOf(client: KubeClient, name: string, phase: string, limitMs: number): Promise<Deployment> {
  return until(`${name} to be ${phase}`, limitMs, async () => {
    const deployment = await readDeployment(client, name);
    return deployment.metadata?.labels?.['scaler/phase'] === phase ? deployment : undefined;
  });
}

/** Sets what the metrics API says of a workload, in requests per second. */
export async function setMetric(client: KubeClient, { metrics }: Helpers, name: string, value: string): Promise<void> {
  const pod = { namespace: systemNamespace, name: metrics, port: 9001 };
  await askPod(client, pod, 'PUT', `/values/${appNamespace}/${name}`, { requests_per_4s: value });
}
