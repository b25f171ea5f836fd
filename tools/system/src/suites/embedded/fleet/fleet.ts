import type { DeploymentOptions, EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import type { EmbeddedSystem } from '@scaler/demo';
import { formatMetricWindow } from '@scaler/scaler-types';
import { ask } from '../../../harness/requests.ts';
import { follow } from './follow.ts';
import { type Mode, modes, Workload } from './workload.ts';

export const fleetNamespace = 'trials';
const servicePort = 80;
const askTimeoutMs = 30_000;
const awakeTimeoutMs = 60_000;
const asleepTimeoutMs = 120_000;

export interface FleetOptions {
  /** How many workloads of each mode; their image is `app`. */
  readonly counts: Readonly<Record<Mode, number>>;
  /** A workload must have been idle for so long before it parks. */
  readonly windowMs: number;
  /** Default {@link fleetNamespace}. */
  readonly namespace?: string;
  /** Default: the system's own proxy. */
  readonly proxies?: readonly ProxyOf[];
}

/** Workloads of every mode on one system, with which they end. */
export interface Fleet {
  readonly system: EmbeddedSystem;
  readonly workloads: readonly Workload[];
}

/** Creates the workloads; resolves when all are adopted, serve, and are at rest. */
export async function createFleet(system: EmbeddedSystem, options: FleetOptions): Promise<Fleet> {
  const { counts, windowMs, namespace: place = fleetNamespace } = options;
  const workloads = modes.flatMap((mode) =>
    Array.from({ length: counts[mode] }, (_, i) => new Workload(place, `${mode}-${i + 1}`, mode)),
  );
  follow(system, place, workloads);
  for (const workload of workloads) await create(system, workload, windowMs);
  for (const workload of workloads) {
    if (!(await workload.until(() => workload.isAtRest, 60_000)))
      throw new Error(`not at rest after 60 s: ${workload}`);
  }
  for (const { namespace, name } of workloads) {
    for (const proxy of options.proxies ?? [system.proxy]) {
      await system.waitFor(() => proxy.backends(namespace, name, servicePort).length > 0);
    }
  }
  return { system, workloads };
}

async function create(system: EmbeddedSystem, workload: Workload, windowMs: number): Promise<void> {
  const { mode } = workload;
  const isCounted = mode === 'always';
  const idleness = isCounted ? { 'scaler/idle-after': `${windowMs}ms` } : setMetric(system, workload, windowMs);
  await createManaged(
    system,
    workload,
    { 'scaler/routing': mode, 'scaler/cooldown': '1ms', ...idleness },
    // Without the pause a new connection can reach a dying pod, as in any scale-down: the price of `overlay`.
    { ...probed, ...(mode === 'overlay' && { preStopSeconds: 1 }) },
  );
}

/** Gives a workload a metric that follows its `idle`; returns the annotation by which it is judged. */
export function setMetric(
  { api }: EmbeddedSystem,
  workload: Workload,
  windowMs: number,
): Readonly<Record<string, string>> {
  const { namespace, name } = workload;
  const metric = `requests_per_${formatMetricWindow(windowMs)}`;
  const value = (): string => (workload.idle ? '0' : '1');
  api.metrics.set({ namespace, resource: 'deployments.apps', name, metric, value });
  return { 'scaler/metrics': `${metric}<=0` };
}

export const probed: Partial<DeploymentOptions> = {
  readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
};

/** Creates a workload of the image `app` that the product manages, with its Service: `http`, 80 → 8080. */
export async function createManaged(
  cluster: EmbeddedCluster,
  { namespace, name }: Pick<Workload, 'namespace' | 'name'>,
  annotations: Readonly<Record<string, string>>,
  more: Partial<DeploymentOptions> = {},
): Promise<void> {
  const labels = { 'scaler/enabled': 'true' };
  await cluster.deployment(namespace, name, { image: 'app', port: 8080, labels, annotations, ...more });
  await cluster.service(namespace, name, { port: servicePort, targetPort: 8080, portName: 'http' });
}

export function urlOf({ serviceUrl }: EmbeddedSystem, { namespace, name }: Workload, proxy?: ProxyOf): string {
  return serviceUrl(namespace, name, servicePort, proxy);
}

export type ProxyOf = EmbeddedSystem['proxy'];

/** Makes it busy, and sends requests until it is whole. */
export async function wakeUp(system: EmbeddedSystem, workload: Workload): Promise<void> {
  workload.idle = false;
  const untilMs = performance.now() + awakeTimeoutMs;
  while (performance.now() < untilMs) {
    await ask(urlOf(system, workload), { timeoutMs: askTimeoutMs });
    if (await workload.until(() => workload.isWhole, 500)) return;
  }
  throw new Error(`not whole although requests come: ${workload}`);
}

/** Makes them idle; resolves when all sleep and their pods are gone, so that no such pod answers any more. */
export async function putToSleep({ api, waitFor }: EmbeddedSystem, workloads: readonly Workload[]): Promise<void> {
  for (const workload of workloads) workload.idle = true;
  for (const workload of workloads) {
    const asleep = (): boolean => workload.phase === 'asleep' && workload.isAtRest;
    if (!(await workload.until(asleep, asleepTimeoutMs)))
      throw new Error(`not asleep after ${asleepTimeoutMs / 1000} s: ${workload}`);
  }
  const podsOf = ({ namespace, name }: Workload): number =>
    api.store.list('v1/pods', { namespace, labelSelector: `app=${name}` }).items.length;
  await waitFor(() => workloads.every((workload) => podsOf(workload) === 0), { timeoutMs: asleepTimeoutMs });
}
