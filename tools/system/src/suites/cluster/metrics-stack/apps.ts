import { readFile } from 'node:fs/promises';
import type { Ground } from '../scenario.ts';
import type { Where } from '../site/workloads.ts';

const program = 'counting-app.ts';

/** A Deployment of two pods that count their requests, asleep by what the custom metrics API says of it. */
export interface App extends Where {
  readonly name: string;
  /** What the API is asked for: `deployments.apps/NAME`, or pods by their label. */
  readonly object: string;
  readonly metrics: string;
}

export async function createApps(ground: Ground, namespace: string, apps: readonly App[]): Promise<void> {
  const text = await readFile(new URL('counting-app.ts', import.meta.url), 'utf8');
  const metadata = { name: 'program', namespace };
  await ground.apply([
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { [program]: text } },
    ...apps.flatMap((app) => [deployment(app, ground.images.app), service(app)]),
  ]);
}

function deployment({ namespace, name, metrics }: App, image: string): object {
  const labels = { app: name };
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '--disable-warning=ExperimentalWarning', `/program/${program}`],
    ports: [
      { name: 'web', containerPort: 8080 },
      { name: 'metrics', containerPort: 9090 },
    ],
    // One by HTTP would be counted.
    readinessProbe: { tcpSocket: { port: 'web' }, periodSeconds: 1 },
    volumeMounts: [{ name: 'program', mountPath: '/program' }],
  };
  const annotations = { 'scaler/metrics': metrics, 'scaler/cooldown': '1s' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { 'scaler/enabled': 'true' }, annotations },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 5,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000 },
          containers: [container],
          volumes: [{ name: 'program', configMap: { name: 'program' } }],
        },
      },
    },
  };
}

function service({ namespace, name }: App): object {
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec };
}
