import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '@scaler/scaler-types';
import { type FakeApi, type FakeApiOptions, startFakeApi } from '../api/fake-api.ts';
import { groupVersionOf, gvrOf } from '../api/kinds.ts';
import type { KubeObject, NewObject } from '../api/object.ts';
import { TestingKitError } from '../../errors.ts';
import { createChanges, waitFor, type WaitOptions } from './changes.ts';
import { closeControllers, type ControllerLag, type Controllers, startControllers } from './controllers/controllers.ts';
import type { Image } from './image.ts';
import { claimLoopback, type Loopback } from './loopback.ts';
import { type DeploymentOptions, deploymentManifest, serviceManifest, type ServiceOptions } from './manifests.ts';
import { createNode, type RunningProcess, type SimulatedNode } from './node/node.ts';
import { rolloutUndo } from './controllers/rollout-undo.ts';
import { createServiceProxy, type ServiceProxy } from './proxy/service-proxy.ts';

/** All optional; every pause is 0 and every lag is 0 by default. */
export interface EmbeddedClusterOptions {
  /** The images of containers, by name. May be added to while the cluster runs. */
  readonly images?: Record<string, Image>;
  /** Drives the API's times, the controllers, the node and the proxies. Default: the machine's time. */
  readonly clock?: Clock;
  /** Options of the fake API but for its clock and its addresses of Services. */
  readonly api?: Omit<FakeApiOptions, 'clock' | 'allocateClusterIp'>;
  /** How long after a change a controller acts, in milliseconds. */
  readonly controllerLagMs?: ControllerLag;
  /** How long after a pod appears or is deleted the node acts, in milliseconds. */
  readonly nodeLagMs?: number;
  /** Between a pod's arrival at the node and the start of its containers, in milliseconds. */
  readonly startDelayMs?: number;
  /** First pause after a failed pull or a second crash, in milliseconds; doubles up to 30 times as much. Default 10 000. */
  readonly backOffMs?: number;
  /** How much later than it happens the first proxy hears of endpoint changes, in milliseconds. */
  readonly proxyLagMs?: number;
  /** The first two octets of all its addresses, such as `127.40`. Default: a range that no other cluster here uses. */
  readonly podIpPrefix?: string;
}

/** A Kubernetes in one process: API, controllers, one node, Services. */
export interface EmbeddedCluster {
  readonly api: FakeApi;
  /** A kubeconfig file for its API, in a temporary folder that goes with the cluster. */
  readonly kubeconfigPath: string;
  readonly images: Record<string, Image>;
  readonly controllers: Controllers;
  readonly node: SimulatedNode;
  /** The proxy that listens on the cluster IPs. */
  readonly proxy: ServiceProxy;
  /** The first hundred failures inside; empty unless there is a bug or an address could not be had. */
  readonly problems: readonly Error[];
  /** Another node's view of the Services, on addresses of its own. */
  addProxy(options?: { lagMs?: number }): Promise<ServiceProxy>;
  /**
   * Creates an object or merges it into the one that exists; its namespace is created where missing. Resolves when
   * the Services there are listened for.
   *
   * @throws TestingKitError `kind-unknown`; FakeApiError where the API refuses.
   */
  apply<T extends KubeObject = KubeObject>(object: object): Promise<T>;
  deployment(namespace: string, name: string, options: DeploymentOptions): Promise<KubeObject>;
  service(namespace: string, name: string, options: ServiceOptions): Promise<KubeObject>;
  /** `http://host:port` of a Service port, through the first proxy or the one given. */
  serviceUrl(namespace: string, service: string, port: number, proxy?: ServiceProxy): string;
  /** `kubectl rollout undo deployment/<name>`. */
  rolloutUndo(namespace: string, name: string): void;
  /** Containers that run, with the pids of those that are processes. */
  processes(): RunningProcess[];
  /** Ends a pod's containers as a crash (SIGKILL, default) or an outer SIGTERM would. */
  kill(namespace: string, pod: string, signal?: 'SIGTERM' | 'SIGKILL'): void;
  /** Resolves with the predicate's first truthy value; asked now and after every change in the cluster. */
  waitFor<T>(predicate: () => T | Promise<T>, options?: WaitOptions): Promise<NonNullable<T>>;
  /** Ends every process, listener and timer of it. Idempotent. */
  close(): Promise<void>;
}

/** The ends of the started parts: a failed start and a close run the same ones, from the last to the first. */
type Teardown = (() => unknown)[];

async function tearDown(steps: Teardown): Promise<void> {
  const errors: unknown[] = [];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0)
    throw new TestingKitError('close-failed', `the embedded cluster did not close: ${errors.join('; ')}`, {
      cause: new AggregateError(errors),
    });
}

/**
 * Starts a cluster. `close()` it, also after a failed test.
 *
 * @throws TestingKitError `prefix-invalid`, `prefix-taken`, `loopback-unavailable`.
 */
export async function startEmbeddedCluster(options: EmbeddedClusterOptions = {}): Promise<EmbeddedCluster> {
  const teardown: Teardown = [];
  try {
    return await assemble(options, teardown);
  } catch (error) {
    await tearDown(teardown);
    throw error;
  }
}

/** Bounds the list of failures, since one may repeat for ever. */
const keptProblems = 100;

async function assemble(options: EmbeddedClusterOptions, teardown: Teardown): Promise<EmbeddedCluster> {
  const { clock = systemClock, images = {}, nodeLagMs = 0, startDelayMs = 0, backOffMs = 10_000 } = options;
  const problems: Error[] = [];
  const onError = (error: Error): void => void (problems.length < keptProblems && problems.push(error));
  const changes = createChanges();
  teardown.push(() => changes.close());
  const loopback = await claimLoopback(options.podIpPrefix);
  teardown.push(() => loopback.close());
  const api = await startFakeApi({ ...options.api, clock, allocateClusterIp: () => loopback.takeServiceIP() });
  teardown.push(() => api.close());
  const kubeconfigPath = await writeKubeconfig(api, teardown);
  const { store } = api;
  const onChange = (): void => changes.notify();
  for (const kind of store.kinds) teardown.push(store.watch(gvrOf(kind), onChange));

  const proxies: ServiceProxy[] = [];
  let closed: Promise<void> | undefined;
  const addProxy = (lagMs: number, addressOf: (clusterIP: string) => string): ServiceProxy => {
    const proxy = createServiceProxy({ store, clock, lagMs, addressOf, onChange, onError });
    proxies.push(proxy);
    teardown.push(() => proxy.close());
    return proxy;
  };
  const proxy = addProxy(options.proxyLagMs ?? 0, (clusterIP) => clusterIP);
  const node = createNode({ store, clock, loopback, images, lagMs: nodeLagMs, startDelayMs, backOffMs, onError });
  teardown.push(() => node.close());
  const controllers = startControllers({ store, clock, onError }, options.controllerLagMs ?? 0);
  teardown.push(() => closeControllers(controllers));

  return {
    api,
    kubeconfigPath,
    images,
    controllers,
    node,
    proxy,
    problems,
    async addProxy({ lagMs = 0 } = {}) {
      const added = addProxy(lagMs, ownAddresses(loopback));
      await added.listening();
      return added;
    },
    ...manifests(api, async () => void (await Promise.all(proxies.map((each) => each.listening())))),
    serviceUrl(namespace, service, port, through = proxy) {
      const address = through.address(namespace, service, port);
      return `http://${address.host}:${address.port}`;
    },
    rolloutUndo: (namespace, name) => rolloutUndo(store, namespace, name),
    processes: node.processes,
    kill: node.kill,
    waitFor: (predicate, waitOptions) => waitFor(changes, predicate, waitOptions),
    close: () => (closed ??= tearDown(teardown)),
  };
}

async function writeKubeconfig(api: FakeApi, teardown: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'scaler-cluster-'));
  teardown.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'kubeconfig');
  await writeFile(path, api.kubeconfig(), { mode: 0o600 });
  return path;
}

/** A further proxy's address for each cluster IP. */
function ownAddresses(loopback: Loopback): (clusterIP: string) => string {
  const known = new Map<string, string>();
  return (clusterIP) => {
    const address = known.get(clusterIP) ?? loopback.takeProxyIP();
    known.set(clusterIP, address);
    return address;
  };
}

function manifests(
  { store }: FakeApi,
  listening: () => Promise<void>,
): Pick<EmbeddedCluster, 'apply' | 'deployment' | 'service'> {
  const apply = async <T extends KubeObject = KubeObject>(given: object): Promise<T> => {
    const object = given as NewObject;
    const kind = store.kinds.find((each) => each.kind === object.kind && groupVersionOf(each) === object.apiVersion);
    if (kind === undefined) {
      throw new TestingKitError('kind-unknown', `the API has no kind ${object.apiVersion}/${object.kind}`);
    }
    const { namespace = '', name = '' } = object.metadata;
    if (kind.namespaced && store.find('v1/namespaces', '', namespace) === undefined) {
      store.create('v1/namespaces', { metadata: { name: namespace } });
    }
    const gvr = gvrOf(kind);
    const type = kind.custom === true ? 'merge' : 'strategic';
    const applied =
      store.find(gvr, namespace, name) === undefined
        ? store.create<T>(gvr, object)
        : store.patch<T>(gvr, namespace, name, { type, body: object });
    await listening();
    return applied;
  };
  return {
    apply,
    deployment: (namespace, name, options) => apply(deploymentManifest(namespace, name, options)),
    service: (namespace, name, options) => apply(serviceManifest(namespace, name, options)),
  };
}
