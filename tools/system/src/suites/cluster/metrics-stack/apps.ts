import { readFile } from 'node:fs/promises';
import type { Ground } from '../scenario.ts';
import { node } from '../site/helpers.ts';
import { configMap, deployment, podSpec, service } from '../site/manifests.ts';
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
  const text = await readFile(new URL(program, import.meta.url), 'utf8');
  await ground.apply([
    configMap(namespace, 'program', { [program]: text }),
    ...apps.map((app) => workload(app, ground.images.app)),
    ...apps.map(({ name }) => service(namespace, name, [{ name: 'http', port: 80, targetPort: 'web' }])),
  ]);
}

function workload({ namespace, name, metrics }: App, image: string): object {
  const container = {
    ...{ name: 'app', image, command: [...node, `/program/${program}`] },
    ports: [
      { name: 'web', containerPort: 8080 },
      { name: 'metrics', containerPort: 9090 },
    ],
    // One by HTTP would be counted.
    readinessProbe: { tcpSocket: { port: 'web' }, periodSeconds: 1 },
    volumeMounts: [{ name: 'program', mountPath: '/program' }],
  };
  const volumes = [{ name: 'program', configMap: { name: 'program' } }];
  const annotations = { 'scaler/metrics': metrics, 'scaler/cooldown': '1s' };
  return deployment(namespace, name, podSpec([container], { terminationGracePeriodSeconds: 5, volumes }), {
    metadata: { labels: { 'scaler/enabled': 'true' }, annotations },
    spec: { replicas: 2 },
  });
}
