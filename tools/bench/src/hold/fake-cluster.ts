// A fake Kubernetes API full of sleeping Deployments, in a process of its own.
import { sliceLabels } from '@scaler/kube';
import { type FakeApi, type KubeObject, type NewObject, startFakeApi } from '@scaler/testing-kit/kubernetes';
import { keys, newEpoch, portLabel } from '@scaler/workload-scaler';
import { serveCalls } from '../processes/calls.ts';
import { sharedMs } from '../processes/usage.ts';

/** The calls that the cluster answers. */
export type FakeClusterCalls = typeof calls;

export interface FillOptions {
  readonly count: number;
  /** The number of ports of each Service. */
  readonly ports: number;
  /** The DLX's port for the first port of the first Service. */
  readonly firstPort: number;
  /** The address at which the pods of all of them listen. Default: no pod comes up. */
  readonly appPort?: number;
}

const perNamespace = 100;
/** Pods come up so long after the last replicas were raised. */
const podsAfterMs = 300;
const gvr = {
  deployments: 'apps/v1/deployments',
  replicaSets: 'apps/v1/replicasets',
  pods: 'v1/pods',
  services: 'v1/services',
  slices: 'discovery.k8s.io/v1/endpointslices',
};
const raised = new Map<string, number>();
let api: FakeApi;

const calls = {
  /** Starts the API; resolves with the text of a kubeconfig. */
  async start(): Promise<string> {
    api = await startFakeApi();
    return api.kubeconfig('dlx');
  },
  /** Makes sleepers `app-0` and so on, each with its Service, diverted as a park leaves them. */
  fill(options: FillOptions): void {
    const { count, appPort } = options;
    for (let i = 0; i < count; i++) addSleeper(i, options);
    const { resourceVersion } = api.store;
    const waiting: KubeObject[] = [];
    let timer: NodeJS.Timeout | undefined;
    const startPods = (): void => {
      for (const one of waiting.splice(0)) startPod(one.metadata.namespace ?? '', one.metadata.name, appPort ?? 0);
    };
    const onDeployment = (object: KubeObject): void => {
      const { metadata, spec } = object as KubeObject & { spec: { replicas: number } };
      if (spec.replicas === 0 || raised.has(metadata.name)) return;
      raised.set(metadata.name, sharedMs());
      waiting.push(object);
      // Real pods take longer than that, and making them must not delay what the scenario measures.
      clearTimeout(timer);
      if (appPort !== undefined) timer = setTimeout(startPods, podsAfterMs);
    };
    api.store.watch(gvr.deployments, ({ object }) => onDeployment(object), {
      resourceVersion: String(resourceVersion),
    });
  },
  /** When the replicas of each were raised, on the clock that all processes share. */
  raised: (): Record<string, number> => Object.fromEntries(raised),
};

function addSleeper(i: number, options: FillOptions): void {
  const { ports: portCount, appPort = 8080 } = options;
  const firstPort = options.firstPort + i * portCount;
  const namespace = `team-${Math.floor(i / perNamespace)}`;
  const name = `app-${i}`;
  if (api.store.find('v1/namespaces', '', namespace) === undefined) {
    api.store.create('v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  }
  const epoch = newEpoch();
  const ports = Array.from({ length: portCount }, (_, j) => ({
    name: `port-${j}`,
    port: 80 + j,
    targetPort: appPort + j,
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
        [sliceLabels.serviceName]: name,
        [sliceLabels.managedBy]: keys.manager,
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
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { app: name, team: namespace, [keys.enabled]: 'true' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: podSpec(ports) },
    },
  } as NewObject;
}

/** Makes one pod that is ready at once: all that a controller and a kubelet would write. */
function startPod(namespace: string, name: string, port: number): void {
  const { uid, generation } = api.store.get(gvr.deployments, namespace, name).metadata;
  const labels = { app: name };
  const spec = podSpec([{ containerPort: port }]);
  const owned = (by: object): object => ({ namespace, labels, ownerReferences: [by] });
  const set = api.store.create(gvr.replicaSets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...owned(ownedBy('Deployment', name, uid)), name: `${name}-1` },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  } as NewObject);
  writeStatus(gvr.replicaSets, set, { observedGeneration: set.metadata.generation, replicas: 1 });
  writeStatus(gvr.deployments, { metadata: { namespace, name } }, { observedGeneration: generation, replicas: 1 });
  const pod = api.store.create(gvr.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...owned(ownedBy('ReplicaSet', set.metadata.name, set.metadata.uid)), name: `${name}-1-a` },
    spec,
  } as NewObject);
  const conditions = [{ type: 'Ready', status: 'True' }];
  writeStatus(gvr.pods, pod, { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions });
}

function ownedBy(kind: string, name: string, uid: string): object {
  return { apiVersion: 'apps/v1', kind, name, uid, controller: true };
}

function writeStatus(of: string, object: { metadata: { namespace?: string; name: string } }, status: object): void {
  const { namespace = '', name } = object.metadata;
  api.store.patch(of, namespace, name, { type: 'merge', body: { status } }, { subresource: 'status' });
}

function podSpec(ports: readonly object[]): object {
  const resources = { requests: { cpu: '100m', memory: '128Mi' } };
  return {
    containers: [{ name: 'app', image: 'app', ports, env: [{ name: 'MODE', value: 'production' }], resources }],
  };
}

serveCalls(calls);
