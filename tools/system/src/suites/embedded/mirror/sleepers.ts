import { setImmediate } from 'node:timers/promises';
import type { EmbeddedSystem } from '@scaler/demo';
import { buildSlices, keys, portLabel, trimService } from '@scaler/workload-scaler';
import type { Service } from '@scaler/kube';

const perNamespace = 50;
const firstPort = 20_000;
const servicePort = 80;
const replicas = 1;

/** The DLX's port for the first of them. */
export const oneListenPort = firstPort;

/**
 * Writes so many sleepers as parks leave them. Parking each would take minutes, and other trials test that.
 * Each is written in one go, so no watch sees one half written.
 */
export async function writeSleepers(
  system: EmbeddedSystem,
  count: number,
  dlxAddresses: readonly string[],
): Promise<void> {
  const { store } = system.api;
  for (let i = 0; i < count; i += perNamespace) {
    store.create('v1/namespaces', { metadata: { name: namespaceOf(i) } });
  }
  for (let i = 0; i < count; i++) {
    writeSleeper(system, i, dlxAddresses);
    if (i % perNamespace === 0) await setImmediate();
  }
}

function namespaceOf(i: number): string {
  return `sleepers-${Math.floor(i / perNamespace)}`;
}

function writeSleeper({ api: { store } }: EmbeddedSystem, i: number, addresses: readonly string[]): void {
  const [namespace, name, epoch] = [namespaceOf(i), `app-${i}`, `epoch-${i}`];
  const listenPort = firstPort + i;
  const { metadata } = store.create('apps/v1/deployments', workload(namespace, name, epoch, listenPort));
  const state = { epoch, uid: metadata.uid, since: new Date().toISOString(), replicas, by: 'trial', reason: 'parked' };
  const body = { metadata: { annotations: { [keys.state]: JSON.stringify(state) } } };
  store.patch('apps/v1/deployments', namespace, name, { type: 'merge', body });
  const service = store.create('v1/services', {
    metadata: { namespace, name },
    spec: { selector: { app: name, [keys.asleep]: epoch }, ports: [{ name: 'http', port: servicePort }] },
  });
  const diversion = { resource: name, epoch, addresses, ports: [{ name: 'http', listenPort }] };
  for (const slice of buildSlices({ service: trimService(service as Service), ...diversion })) {
    store.create('discovery.k8s.io/v1/endpointslices', slice as Parameters<typeof store.create>[1]);
  }
}

function workload(namespace: string, name: string, epoch: string, listenPort: number) {
  const labels = { app: name };
  return {
    metadata: {
      ...{ namespace, name },
      labels: {
        ...labels,
        [keys.enabled]: 'true',
        [keys.phase]: 'asleep',
        [keys.epoch]: epoch,
        [portLabel(name, servicePort)]: String(listenPort),
      },
      annotations: { 'scaler/routing': 'selector', 'scaler/metrics': 'requests_per_5m<=0' },
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'none' }] } },
    },
  };
}
