import type { EmbeddedSystem } from '@scaler/demo';
import { formatMetricWindow } from '@scaler/scaler-types';
import { follow } from './follow.ts';
import { type Mode, modes, Workload } from './workload.ts';

export const fleetNamespace = 'trials';
const servicePort = 80;

export interface FleetOptions {
  /** How many workloads of each mode. */
  readonly counts: Readonly<Record<Mode, number>>;
  /** Key of the system's images. */
  readonly image: string;
  /** A workload must have been idle for so long before it parks. */
  readonly windowMs: number;
  /** Default {@link fleetNamespace}. */
  readonly namespace?: string;
  /** Default: the system's own proxy. */
  readonly proxies?: readonly ProxyOf[];
}

/** Workloads of every mode on one system. */
export interface Fleet {
  readonly system: EmbeddedSystem;
  readonly workloads: readonly Workload[];
  close(): void;
}

/** Creates the workloads; resolves when all are adopted, serve, and are at rest. */
export async function createFleet(system: EmbeddedSystem, options: FleetOptions): Promise<Fleet> {
  const { counts, namespace: place = fleetNamespace } = options;
  const workloads = modes.flatMap((mode) =>
    Array.from({ length: counts[mode] }, (_, i) => new Workload(place, `${mode}-${i + 1}`, mode)),
  );
  const close = follow(system, place, new Map(workloads.map((workload) => [workload.name, workload])));
  for (const workload of workloads) await create(system, workload, options);
  for (const workload of workloads) {
    if (!(await workload.until(() => workload.isAtRest, 60_000)))
      throw new Error(`not at rest after 60 s: ${workload}`);
  }
  for (const { namespace, name } of workloads) {
    for (const proxy of options.proxies ?? [system.proxy]) {
      await system.waitFor(() => proxy.backends(namespace, name, servicePort).length > 0);
    }
  }
  return { system, workloads, close };
}

async function create(system: EmbeddedSystem, workload: Workload, { image, windowMs }: FleetOptions): Promise<void> {
  const { namespace, name, mode } = workload;
  const window = formatMetricWindow(windowMs);
  const idleness: Record<string, string> =
    mode === 'always' ? { 'scaler/idle-after': `${windowMs}ms` } : { 'scaler/metrics': `requests_per_${window}<=0` };
  if (mode !== 'always') {
    system.api.metrics.set({
      namespace,
      resource: 'deployments.apps',
      name,
      metric: `requests_per_${window}`,
      value: () => (workload.idle ? '0' : '1'),
    });
  }
  await system.deployment(namespace, name, {
    image,
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
    annotations: { 'scaler/routing': mode, 'scaler/cooldown': '1ms', ...idleness },
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    // Without the pause a new connection can reach a dying pod, as in any scale-down: the price of `overlay`.
    ...(mode === 'overlay' && { preStopSeconds: 1 }),
  });
  await system.service(namespace, name, { port: servicePort, targetPort: 8080, portName: 'http' });
}

export function urlOf({ serviceUrl }: EmbeddedSystem, { namespace, name }: Workload, proxy?: ProxyOf): string {
  return serviceUrl(namespace, name, servicePort, proxy);
}

export type ProxyOf = EmbeddedSystem['proxy'];
