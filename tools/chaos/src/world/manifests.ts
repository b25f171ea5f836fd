import { vetoPath } from './app-image.ts';
import { keyOf, type Member, metricName, times } from './fleet.ts';

/** A member's workload. */
export function workloadManifestOf(member: Member): object {
  const { kind, namespace, name, routing, metric, replicas, preStopSeconds, probed, veto } = member;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: {
      ...{ namespace, name },
      labels: { ...labels, 'scaler/enabled': 'true' },
      annotations: {
        'scaler/routing': routing,
        'scaler/metrics': metric ? `${metricName}<=0` : 'none',
        'scaler/idle-after': `${times.window}s`,
        ...(veto && { 'scaler/veto': `${name}:80${vetoPath}` }),
      },
    },
    spec: {
      replicas,
      ...(kind === 'StatefulSet' && { serviceName: name }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'app',
              image: 'app',
              ports: [{ name: 'http', containerPort: 8080 }],
              env: [
                { name: 'RESOURCE', value: keyOf(member) },
                { name: 'BOOT_MS', value: String(probed ? 100 + 100 * (name.charCodeAt(name.length - 1) % 5) : 0) },
              ],
              ...(probed && {
                readinessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 2, periodSeconds: 10 },
              }),
              ...(preStopSeconds > 0 && { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
            },
          ],
        },
      },
    },
  };
}
