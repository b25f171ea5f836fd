// A fake Kubernetes API full of sleeping Deployments, in a process of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keys, newEpoch, portLabel } from '@scaler/kube';
import { createEchoImage, type FakeApi, type NewObject, startEmbeddedCluster, startFakeApi } from '@scaler/testing-kit';
import { serveCalls } from '../processes/calls.ts';
import { sharedMs } from '../processes/usage.ts';

/** All the cluster does. */
export type FakeClusterCalls = typeof calls;

export interface FillOptions {
  readonly count: number;
  /** Of each one's Service. */
  readonly ports: number;
  /** The DLX's port for the first of them all. */
  readonly firstPort: number;
}

const perNamespace = 100;
const gvr = {
  deployments: 'apps/v1/deployments',
  services: 'v1/services',
  slices: 'discovery.k8s.io/v1/endpointslices',
};
const folder = mkdtempSync(join(tmpdir(), 'scaler-bench-'));
const raised = new Map<string, number>();
let api: FakeApi;

const calls = {
  /** Starts the API; with `controllers` also what makes pods of Deployments. Resolves with the path of a kubeconfig. */
  async start({ controllers }: { controllers: boolean }): Promise<string> {
    if (controllers) {
      const cluster = await startEmbeddedCluster({ images: { echo: createEchoImage() } });
      api = cluster.api;
    } else api = await startFakeApi();
    const path = join(folder, 'kubeconfig');
    writeFileSync(path, api.kubeconfig('dlx'));
    return path;
  },
  /** Sleepers `app-0` and so on, each with its Service, diverted as a park leaves them. */
  fill({ count, ports, firstPort }: FillOptions): void {
    for (let i = 0; i < count; i++) addSleeper(i, ports, firstPort + i * ports);
    api.store.watch(
      gvr.deployments,
      ({ object }) => {
        const { metadata, spec } = object as unknown as { metadata: { name: string }; spec: { replicas: number } };
        if (spec.replicas > 0 && !raised.has(metadata.name)) raised.set(metadata.name, sharedMs());
      },
      { resourceVersion: String(api.store.resourceVersion) },
    );
  },
  /** When the replicas of each were raised, by the clock that all processes share. */
  raised: (): Record<string, number> => Object.fromEntries(raised),
  /** Tidies up; it is stopped next. */
  clean: (): void => rmSync(folder, { recursive: true, force: true }),
};

function addSleeper(i: number, portCount: number, firstPort: number): void {
  const namespace = `team-${Math.floor(i / perNamespace)}`;
  const name = `app-${i}`;
  if (api.store.find('v1/namespaces', '', namespace) === undefined) {
    api.store.create('v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  }
  const epoch = newEpoch();
  const ports = Array.from({ length: portCount }, (_, j) => ({
    name: `port-${j}`,
    port: 80 + j,
    targetPort: 8080 + j,
  }));
  const { metadata } = api.store.create(gvr.deployments, deployment(namespace, name, portCount));
  const since = new Date().toISOString();
  const state = { epoch, uid: metadata.uid, since, replicas: 1, by: 'autoscaler-0', reason: 'requests_per_5m is 0' };
  const labels = {
    [keys.phase]: 'asleep',
    [keys.epoch]: epoch,
    ...Object.fromEntries(ports.map(({ port }, j) => [portLabel(name, port), String(firstPort + j)])),
  };
  const body = { metadata: { labels, annotations: { [keys.state]: JSON.stringify(state) } } };
  api.store.patch(gvr.deployments, namespace, name, { type: 'merge', body });
  const service = api.store.create(gvr.services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels: { app: name } },
    spec: { selector: { app: name, [keys.asleep]: epoch }, ports },
  } as NewObject);
  api.store.create(gvr.slices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      name: `${name}-scaler-ipv4`,
      labels: {
        [keys.serviceName]: name,
        [keys.managedBy]: keys.manager,
        [keys.resource]: name,
        [keys.epoch]: epoch,
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid: service.metadata.uid }],
    },
    addressType: 'IPv4',
    ports: ports.map((port, j) => ({ name: port.name, port: firstPort + j, protocol: 'TCP' })),
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true, serving: true, terminating: false } }],
  } as NewObject);
}

function deployment(namespace: string, name: string, portCount: number): NewObject {
  const ports = Array.from({ length: portCount }, (_, j) => ({ name: `http-${j}`, containerPort: 8080 + j }));
  const env = [{ name: 'PORT', value: '8080' }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { app: name, team: namespace, [keys.enabled]: 'true' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            { name: 'app', image: 'echo', ports, env, resources: { requests: { cpu: '100m', memory: '128Mi' } } },
          ],
        },
      },
    },
  } as NewObject;
}

serveCalls(calls);
