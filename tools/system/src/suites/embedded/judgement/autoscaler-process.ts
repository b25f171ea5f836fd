import { startEmbeddedSystem, systemNamespace, type EmbeddedSystem } from '@scaler/demo';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage, type RunningProcess } from '@scaler/testing-kit/kubernetes';
import { type ProcessCost, readCost } from './process-cost.ts';
import { requestPattern } from './request-pattern.ts';

/** The real autoscaler, in a process of its own, with a number of awake and busy workloads. */
export interface Looked {
  readonly system: EmbeddedSystem;
  cost(): Promise<ProcessCost>;
  ticks(): Promise<Ticks>;
  /** Counts its requests to the API by kind, from now until stopped. */
  countRequests(): { stop(): ReadonlyMap<string, number> };
}

/** The histogram of its ticks, since its start. */
export interface Ticks {
  readonly count: number;
  readonly totalMs: number;
  /** The lowest bound of the histogram that every tick was within. */
  readonly longestMs: number;
}

const perNamespace = 50;
const metrics = ['requests_per_5m', 'connections_per_5m'];

/** Starts both apps and so many workloads with two metrics each; resolves when all are adopted. */
export async function startLooked(workloads: number): Promise<Looked> {
  const system = await startEmbeddedSystem({
    images: { app: createEchoImage() },
    settleMs: 5_000,
    // The interval of bookmarks of the real API server.
    api: { bookmarkIntervalMs: 60_000 },
  });
  try {
    for (let i = 0; i < workloads; i++) await create(system, `looked-${Math.floor(i / perNamespace)}`, `app-${i}`);
    const isAdopted = (): boolean => adopted(system) === workloads;
    await system.waitFor(isAdopted, { timeoutMs: 300_000 });
    await restart(system);
    const [own] = system.processes().filter(isAutoscaler);
    const pid = own?.pid;
    if (pid === undefined) throw new Error('the autoscaler does not run');
    return {
      system,
      cost: () => readCost(pid),
      ticks: () => readTicks(system),
      countRequests: () => countRequests(system),
    };
  } catch (error) {
    await system.close();
    throw error;
  }
}

// The memory while workloads are created by the hundred is another question.
async function restart(system: EmbeddedSystem): Promise<void> {
  const pids = (): (number | undefined)[] =>
    system
      .processes()
      .filter(isAutoscaler)
      .map(({ pid }) => pid);
  const before = pids();
  const [{ pod } = { pod: '' }] = system.processes().filter(isAutoscaler);
  system.kill(systemNamespace, pod, 'SIGTERM');
  await system.waitFor(() => pids().some((pid) => pid !== undefined && !before.includes(pid)), { timeoutMs: 60_000 });
}

const isAutoscaler = ({ namespace, pod }: RunningProcess): boolean =>
  namespace === systemNamespace && pod.startsWith('autoscaler');

async function create(system: EmbeddedSystem, namespace: string, name: string): Promise<void> {
  for (const metric of metrics)
    system.api.metrics.set({ namespace, resource: 'deployments.apps', name, metric, value: '3' });
  await system.deployment(namespace, name, {
    image: 'app',
    port: 8080,
    labels: { 'scaler/enabled': 'true' },
    annotations: { 'scaler/routing': 'selector', 'scaler/metrics': metrics.map((metric) => `${metric}<=0`).join(', ') },
  });
  await system.service(namespace, name, { port: 80, targetPort: 8080, portName: 'http' });
}

function adopted({ api }: EmbeddedSystem): number {
  const { items } = api.store.list('apps/v1/deployments', { labelSelector: 'scaler/enabled=true,scaler/phase=awake' });
  return items.filter(({ metadata: { labels = {} } }) =>
    Object.keys(labels).some((key) => key.startsWith('scaler/port-')),
  ).length;
}

async function readTicks({ api }: EmbeddedSystem): Promise<Ticks> {
  const [pod] = api.store.list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=autoscaler' }).items;
  const { podIP } = (pod as unknown as { status: { podIP: string } }).status;
  const text = await (await fetch(`http://${podIP}:8081/metrics`)).text();
  const value = (series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1] ?? 0,
    );
  const name = 'scaler_autoscaler_tick_seconds';
  const count = value(`${name}_count`);
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\d+)$`, 'gm'))];
  const longest = buckets.find(([, , held]) => Number(held) === count)?.[1] ?? '+Inf';
  return {
    count,
    totalMs: value(`${name}_sum`) * 1000,
    longestMs: longest === '+Inf' ? Infinity : Number(longest) * 1000,
  };
}

function countRequests({ api }: EmbeddedSystem): { stop(): ReadonlyMap<string, number> } {
  const counts = new Map<string, number>();
  const stop = api.audit.onEntry((entry) => {
    if (!entry.userAgent.includes('autoscaler')) return;
    const pattern = requestPattern(entry);
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  });
  return {
    stop: () => {
      stop();
      return counts;
    },
  };
}

/** Resolves when a process with so many workloads has come to rest. */
export async function rest(): Promise<void> {
  await sleep(45_000);
}
