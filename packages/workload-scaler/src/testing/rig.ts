import { request } from 'node:http';
import {
  createEchoImage,
  type EchoImage,
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
  type KubeObject,
  startEmbeddedCluster,
} from '@scaler/testing-kit/kubernetes';
import { connectKube, type KubeClient } from '@scaler/kube';
import { type Logger, type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { discoverKinds } from '../config/kinds.ts';
import { parseOptions } from '../config/options.ts';
import { createScaler } from '../scaler.ts';
import { bothKinds } from './kinds.ts';
import { type Leader, startLeader } from './leader.ts';
import { startStandInDlx, type StandInDlx } from './stand-in-dlx.ts';

/** An embedded cluster with one stand-in DLX, and autoscalers that reconcile whatever they are told of. */
export interface Rig {
  readonly cluster: EmbeddedCluster;
  readonly image: EchoImage;
  readonly dlx: StandInDlx;
  /** What the stand-in asks. */
  readonly dlxScaler: ResourceScaler;
  /** The present Lease holder. */
  leader: Leader;
  /** A new process takes over; the one before goes on, if it still can. */
  succeed(): Promise<Leader>;
  workload(name: string, annotations?: Record<string, string>): Promise<void>;
  url(service: string): string;
  /** What the API says of the Deployment. */
  read(name: string): KubeObject & { spec: { replicas: number }; status?: { observedGeneration?: number } };
  phase(name: string): string | undefined;
  /** What the API has of ours on a Service. */
  routing(service: string): { readonly key: string | undefined; readonly slices: number };
  waitForPhase(name: string, phase: string): Promise<void>;
  /** Resolves when new connections get to the DLX alone: `overlay` lets them reach a dying pod for a moment. */
  waitForDlxOnly(service: string): Promise<void>;
  /** Resolves when the leader is free to park it. */
  waitForPeace(name: string): Promise<void>;
  /** Resolves when the predicate holds; it is asked whenever anything may have changed. */
  until(predicate: () => boolean): Promise<void>;
  /** Reasons of the Events about a workload. */
  events(name: string): readonly string[];
  /** What an Event about it says, of the latest with this reason. */
  told(name: string, reason: string): string | undefined;
  close(): Promise<void>;
}

export const namespace = 'shop';
const system = 'scaler-system';

export interface RigOptions {
  readonly settle?: string;
  readonly deadManSwitch?: string;
  readonly proxyLagMs?: number;
  /** Further options of the scaler. */
  readonly options?: Readonly<Record<string, string>>;
  /** Of the autoscaler. */
  readonly dryRun?: boolean;
  /** Beside `echo`. */
  readonly images?: EmbeddedClusterOptions['images'];
  readonly authorize?: NonNullable<EmbeddedClusterOptions['api']>['authorize'];
  /** Kinds of the API, beside the built-in ones. */
  readonly apiKinds?: NonNullable<EmbeddedClusterOptions['api']>['kinds'];
  readonly logger?: Logger;
}

export async function startRig(given: RigOptions = {}): Promise<Rig> {
  const { settle = '100ms', deadManSwitch = '60s', proxyLagMs = 0, images = {}, authorize, apiKinds = [] } = given;
  const { options = {}, dryRun = false, logger = silentLogger } = given;
  const image = createEchoImage();
  const api = { bookmarkIntervalMs: 200, kinds: apiKinds, ...(authorize && { authorize }) };
  const cluster = await startEmbeddedCluster({ images: { ...images, echo: image }, proxyLagMs, api });
  const service = await cluster.apply<KubeObject & { spec: { clusterIP: string } }>(dlxService());
  // Of the cluster's own range, which nobody else on this machine uses, beyond its pods, Services and proxies.
  const address = service.spec.clusterIP.replace(/\.\d+\.\d+$/, '.255.1');
  await cluster.apply(dlxSlice([address]));
  const configured = parseOptions(options).kinds;
  const clients: KubeClient[] = [];
  const scalerFor = async (role: 'autoscaler' | 'dlx', identity: string): Promise<ResourceScaler> => {
    const client = await connectKube({ kubeconfig: cluster.kubeconfigPath, userAgent: identity, logger });
    clients.push(client);
    return createScaler(
      client,
      {
        ...{ role, identity, options: { settle, deadManSwitch, ...options }, logger, clock: systemClock },
        dryRun: dryRun && role === 'autoscaler',
        namespaces: undefined,
        dlxService: { namespace: system, name: 'dlx' },
      },
      [...bothKinds, ...(await discoverKinds(client, { namespaces: undefined, logger }, configured, bothKinds))],
    );
  };
  const dlxScaler = await scalerFor('dlx', 'rig-dlx');
  const dlx = startStandInDlx(address, dlxScaler);
  const leaders: Leader[] = [];
  const start = async (): Promise<Leader> => {
    const name = `rig-leader-${leaders.length}`;
    const leader = startLeader(name, cluster, dlx, await scalerFor('autoscaler', name));
    leaders.push(leader);
    return leader;
  };
  const rig: Rig = {
    ...{ cluster, image, dlx, dlxScaler, leader: await start() },
    succeed: async () => (rig.leader = await start()),
    ...views(cluster),
    ...waits(() => rig),
    close: async () => {
      await dlx.close();
      await dlxScaler.close?.();
      for (const leader of leaders) await leader.close();
      for (const client of clients) client.close();
      await cluster.close();
    },
  };
  return rig;
}

function views(cluster: EmbeddedCluster): Pick<Rig, 'url' | 'read' | 'phase' | 'routing' | 'events' | 'told'> {
  const { store } = cluster.api;
  const deployment = (name: string) => store.get('apps/v1/deployments', namespace, name);
  const about = (name: string) =>
    store
      .list('v1/events', { namespace })
      .items.map((event) => event as unknown as { reason: string; message: string; involvedObject: { name: string } })
      .filter(({ involvedObject }) => involvedObject.name === name);
  return {
    url: (service) => cluster.serviceUrl(namespace, service, 80),
    read: (name) => deployment(name) as ReturnType<Rig['read']>,
    phase: (name) => deployment(name).metadata.labels?.['scaler/phase'],
    routing: (service) => {
      const object = store.get('v1/services', namespace, service) as unknown as {
        spec: { selector?: Record<string, string> };
      };
      const slices = store
        .list('discovery.k8s.io/v1/endpointslices', { namespace })
        .items.filter(
          ({ metadata: { labels } }) =>
            labels?.['endpointslice.kubernetes.io/managed-by'] === 'scaler' &&
            labels['kubernetes.io/service-name'] === service,
        );
      return { key: object.spec.selector?.['scaler/asleep'], slices: slices.length };
    },
    events: (name) => about(name).map(({ reason }) => reason),
    told: (name, wanted) => about(name).findLast(({ reason }) => reason === wanted)?.message,
  };
}

function waits(now: () => Rig): Pick<Rig, 'workload' | 'waitForPhase' | 'waitForDlxOnly' | 'waitForPeace' | 'until'> {
  return {
    workload: async (name, annotations = {}) => {
      const { cluster, waitForPhase, until } = now();
      await cluster.deployment(namespace, name, {
        image: 'echo',
        port: 8080,
        labels: { 'scaler/enabled': 'true' },
        annotations,
      });
      await cluster.service(namespace, name, { port: 80, targetPort: 8080, portName: 'http' });
      await waitForPhase(name, 'awake');
      await until(() => cluster.proxy.backends(namespace, name, 80).length > 0);
    },
    waitForPhase: (name, phase) => now().until(() => now().phase(name) === phase),
    waitForDlxOnly: (service) =>
      now().until(() => {
        const { cluster, dlx } = now();
        const backends = cluster.proxy.backends(namespace, service, 80);
        return backends.length > 0 && backends.every((backend) => backend.startsWith(`${dlx.address}:`));
      }),
    waitForPeace: (name) =>
      now().until(() => {
        const resource = now().leader.resources.get(`${namespace}/${name}`);
        const { metadata, status } = now().read(name);
        const isSeen = metadata.generation === status?.observedGeneration;
        // What the leader was told last may be from before the park.
        const isAwake = now().phase(name) === 'awake' && resource?.phase === 'awake';
        return isAwake && resource.blocked === undefined && isSeen;
      }),
    until: async (predicate) => {
      const limitMs = performance.now() + 8_000;
      while (!predicate()) {
        if (performance.now() > limitMs) throw new Error(`not so in time: ${String(predicate)}; ${stateOf(now())}`);
        await Promise.race([now().leader.changed(), new Promise((resolve) => setTimeout(resolve, 20))]);
      }
    },
  };
}

export function dlxService(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: system, name: 'dlx' },
    spec: { ports: [{ name: 'infra', port: 8081 }] },
  };
}

export function dlxSlice(addresses: readonly string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: system, name: 'dlx-1', labels: { 'kubernetes.io/service-name': 'dlx' } },
    addressType: 'IPv4',
    ports: [{ name: 'infra', port: 8081, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}

/** One request on a connection of its own. */
export function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

function stateOf({ leader, cluster }: Rig): string {
  const workloads = cluster.api.store.list('apps/v1/deployments', { namespace }).items.map(({ metadata }) => metadata);
  return JSON.stringify({ resources: [...leader.resources.values()], workloads }, undefined, 1);
}
