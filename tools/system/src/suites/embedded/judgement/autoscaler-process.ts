import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { type AuditEntry, createEchoImage, type RunningProcess } from '@scaler/testing-kit/kubernetes';
import { metricsOf, processesOf } from '../fleet/apps.ts';
import { createManaged } from '../fleet/fleet.ts';

/** The histogram of its ticks, since its start. */
export interface Ticks {
  readonly count: number;
  readonly totalMs: number;
  /** The lowest bound of the histogram that every tick was within. */
  readonly longestMs: number;
}

const perNamespace = 50;
const metrics = ['requests_per_5m', 'connections_per_5m'];

/**
 * Starts both apps and so many busy workloads with two metrics each; resolves when all are adopted. The real autoscaler
 * runs in a process of its own.
 */
export async function startWatched(workloads: number): Promise<EmbeddedSystem> {
  await using started = new AsyncDisposableStack();
  const system = started.use(
    await startEmbeddedSystem({
      images: { app: createEchoImage() },
      settleMs: 5_000,
      // The interval of bookmarks of the real API server.
      api: { bookmarkIntervalMs: 60_000 },
    }),
  );
  for (let i = 0; i < workloads; i++) await create(system, `looked-${Math.floor(i / perNamespace)}`, `app-${i}`);
  await system.waitFor(() => adopted(system) === workloads, { timeoutMs: 300_000 });
  await restart(system);
  started.move();
  return system;
}

// The memory while workloads are created by the hundred is another question.
async function restart(system: EmbeddedSystem): Promise<void> {
  const [before] = processesOf(system, 'autoscaler');
  system.kill(systemNamespace, before?.pod ?? '', 'SIGTERM');
  const isNew = ({ pid }: RunningProcess): boolean => pid !== undefined && pid !== before?.pid;
  await system.waitFor(() => processesOf(system, 'autoscaler').some(isNew), { timeoutMs: 60_000 });
}

async function create(system: EmbeddedSystem, namespace: string, name: string): Promise<void> {
  for (const metric of metrics)
    system.api.metrics.set({ namespace, resource: 'deployments.apps', name, metric, value: '3' });
  const idleness = metrics.map((metric) => `${metric}<=0`).join(', ');
  await createManaged(system, { namespace, name }, { 'scaler/routing': 'selector', 'scaler/metrics': idleness });
}

function adopted({ api }: EmbeddedSystem): number {
  const { items } = api.store.list('apps/v1/deployments', { labelSelector: 'scaler/enabled=true,scaler/phase=awake' });
  return items.filter(({ metadata: { labels = {} } }) =>
    Object.keys(labels).some((key) => key.startsWith('scaler/port-')),
  ).length;
}

export async function readTicks(system: EmbeddedSystem): Promise<Ticks> {
  const text = await metricsOf(system, processesOf(system, 'autoscaler')[0]?.pod ?? '');
  const value = (series: string): number => Number(new RegExp(`^${series} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
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

/** Counts the autoscaler's requests to the API by kind, until the returned function is called. */
export function countRequests({ api }: EmbeddedSystem): () => ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const stop = api.audit.onEntry((entry) => {
    if (!entry.userAgent.includes('autoscaler')) return;
    const pattern = requestPattern(entry);
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
  });
  return () => {
    stop();
    return counts;
  };
}

/** The kind of a request: its verb and its path, without names of namespaces and of single objects. */
export function requestPattern({ verb, path, namespace, name, subresource }: AuditEntry): string {
  const [bare = ''] = path.split('?');
  const parts = bare.split('/').map((part, i, all) => {
    if (namespace !== '' && all[i - 1] === 'namespaces' && part === namespace) return '*';
    return name !== '' && part === name && i === all.length - (subresource === '' ? 1 : 2) ? '*' : part;
  });
  return `${verb} ${parts.join('/')}`;
}
