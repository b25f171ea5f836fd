import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { type AuditEntry, createEchoImage, type RunningProcess } from '@scaler/testing-kit/kubernetes';
import { atMost, type Finding, percentile, printTable, sum } from '../../../harness/report.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { autoscalerPid, metricsOf, processesOf } from '../fleet/apps.ts';
import { readCost } from './process-cost.ts';
import { createManaged } from '../fleet/fleet.ts';

const lookMs = 60_000;
const samples = 12;
/** By then a process with so many workloads has come to rest. */
const restMs = 45_000;

/** The cost of one process in the time of a look. */
interface Look {
  readonly workloads: number;
  readonly ticks: number;
  readonly meanTickMs: number;
  readonly longestTickMs: number;
  readonly cpuPercent: number;
  /** The median of several looks. */
  readonly rssMb: number;
  readonly requests: ReadonlyMap<string, number>;
}

/**
 * Measures the cost of a thousand workloads with two metrics each, beside the same program with none, both over
 * the same minute. Processor time and memory are the processes' own, so other programs on the machine do not count.
 */
export async function thousand(): Promise<readonly Finding[]> {
  const size = sizeFrom('TRIALS_WORKLOADS', 1000);
  const rounds = sizeFrom('TRIALS_ROUNDS', 2);
  const full: Look[] = [];
  const none: Look[] = [];
  for (let round = 0; round < rounds; round++) {
    await using empty = await startWatched(0);
    await using many = await startWatched(size);
    await sleep(restMs);
    const [without, withAll] = await Promise.all([look(empty, 0), look(many, size)]);
    none.push(without);
    full.push(withAll);
  }
  tell([...none, ...full]);
  type Measure = 'meanTickMs' | 'cpuPercent' | 'rssMb';
  const mean = (looks: readonly Look[], of: Measure): number => sum(looks, (one) => one[of]) / looks.length;
  const moreMb = mean(full, 'rssMb') - mean(none, 'rssMb');
  return [
    atMost('tick, the longest since the start', Math.max(...full.map((one) => one.longestTickMs)), 2_500),
    atMost('tick, mean', mean(full, 'meanTickMs'), 2_000),
    atMost('memory above the same process with none', moreMb, 50, 'MB'),
    atMost('processor time while nothing happens', mean(full, 'cpuPercent'), 1, '% of a core'),
  ];
}

async function look(system: EmbeddedSystem, workloads: number): Promise<Look> {
  const pid = autoscalerPid(system);
  const [before, ticksBefore] = [await readCost(pid), await readTicks(system)];
  const beganMs = performance.now();
  const counted = countRequests(system);
  const rss: number[] = [];
  for (let i = 0; i < samples; i++) {
    await sleep(lookMs / samples);
    rss.push((await readCost(pid)).rssMb);
  }
  const tookMs = performance.now() - beganMs;
  const requests = counted();
  const [after, ticksAfter] = [await readCost(pid), await readTicks(system)];
  const ticks = ticksAfter.count - ticksBefore.count;
  return {
    workloads,
    ticks,
    meanTickMs: (ticksAfter.totalMs - ticksBefore.totalMs) / ticks,
    longestTickMs: ticksAfter.longestMs,
    cpuPercent: (100 * (after.cpuMs - before.cpuMs)) / tookMs,
    rssMb: percentile(rss, 0.5),
    requests,
  };
}

function tell(looks: readonly Look[]): void {
  const head = ['workloads', 'ticks', 'ms each', 'none above', '% of a core', 'RSS MB'];
  const rows = looks.map(({ workloads, ticks, meanTickMs, longestTickMs, cpuPercent, rssMb }) => [
    ...[workloads, ticks, meanTickMs.toFixed(1), longestTickMs, cpuPercent.toFixed(2), rssMb.toFixed(1)],
  ]);
  printTable([head, ...rows]);
  for (const { workloads, requests, ticks } of [looks[0], looks.at(-1)].filter((one) => one !== undefined)) {
    console.log(`\n  requests to the API with ${workloads}, in ${ticks} ticks`);
    const sorted = [...requests].toSorted(([, a], [, b]) => b - a);
    const all = sum(sorted, ([, count]) => count);
    const perTick = (count: number): string => (count / ticks).toFixed(1);
    const lines = [...sorted, ['all', all] as const].map(([what, count]) => [what, count, perTick(count)]);
    printTable([['request', 'in all', 'per tick'], ...lines]);
  }
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
