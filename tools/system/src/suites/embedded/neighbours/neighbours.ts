import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { percentile } from '../../../harness/percentiles.ts';
import { all, atMost, type Finding, none } from '../../../harness/finding.ts';
import { readCost } from '../judgement/process-cost.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { tableLines } from '../../../harness/table.ts';
import type { Workload } from '../fleet/workload.ts';
import { attack, type AttackReport, createHostile, hostileImage } from './attack.ts';
import { type TenantSide, startTenantSide } from './tenant-side.ts';
import { type Asked, createTenants, useTenants } from './tenants.ts';

const valuesFile = join(import.meta.dirname, '../../../../../../charts/scaler/values.yaml');
const apps = ['dlx', 'autoscaler'] as const;
const sampleMs = 250;
/** Beside a hostile tenant a request may take twice as long as without, or so much longer. */
const moreMs = 50;

/** The requests of the tenants in one run, and the resources that the apps used meanwhile. */
interface Seen {
  readonly asked: readonly Asked[];
  readonly sleeps: number;
  /** By app; the memory of its largest replica. */
  readonly peakMb: Readonly<Record<string, number>>;
  /** By app, in shares of a core, of all its replicas. `cluster`: of this process. `tenants`: of their clients and apps. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly restarts: number;
}

/** A tenant writes and requests the worst that it may, while twenty others sleep, wake and serve. */
export async function neighbours(): Promise<readonly Finding[]> {
  const side = startTenantSide();
  try {
    return await beside(side);
  } finally {
    side.close();
  }
}

async function beside(side: TenantSide): Promise<readonly Finding[]> {
  const forMs = sizeFrom('TRIALS_SECONDS', 60) * 1_000;
  const limits = await chartLimits();
  const system = await startEmbeddedSystem({
    images: { app: side.image, hostile: hostileImage() },
    dlxReplicas: 2,
    autoscalerReplicas: 1,
    settleMs: 500,
    scalerOptions: { apiQps: '1000' },
    // In a pod the default follows from the container's limit.
    dlxArgs: [`--hold-bytes-total=${limits.dlx / 2}Mi`],
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms'],
  });
  try {
    const fleets = await createTenants(system, 'app');
    const workloads = fleets.flatMap((fleet) => fleet.workloads);
    await createHostile(system, 'hostile');
    // The first round of a process runs code for the first time.
    await useTenants(system, side, workloads, 15_000);
    const [without] = await watched(system, side, workloads, forMs);
    const [under, report] = await watched(system, side, workloads, forMs, () => attack(system, workloads, forMs));
    tell(without, under, report);
    for (const fleet of fleets) fleet.close();
    return judge(without, under, limits);
  } finally {
    await system.close();
  }
}

async function watched(
  system: EmbeddedSystem,
  side: TenantSide,
  workloads: readonly Workload[],
  forMs: number,
  meanwhile: () => Promise<AttackReport | undefined> = async () => undefined,
): Promise<[Seen, AttackReport | undefined]> {
  const peakMb: Record<string, number> = {};
  const before = pidsOf(system);
  const [beganMs, cpuBefore] = [performance.now(), await cpuOf(system, side)];
  const sleepsBefore = sum(workloads, ({ sleeps }) => sleeps);
  const stop = new AbortController();
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  await side.lateness();
  const sampling = sample(system, peakMb, stop.signal);
  const [asked, report] = await Promise.all([useTenants(system, side, workloads, forMs), meanwhile()]);
  stop.abort();
  await sampling;
  loop.disable();
  // A stall of these two processes is not caused by the product.
  const late = await side.lateness();
  console.log(
    `  late loops, p99 / most: the cluster's ${(loop.percentile(99) / 1e6).toFixed(0)} / ${(loop.max / 1e6).toFixed(0)} ms, the tenants' ${late.p99Ms.toFixed(0)} / ${late.maxMs.toFixed(0)} ms`,
  );
  const tookMs = performance.now() - beganMs;
  const cpu = Object.entries(await cpuOf(system, side)).map(([name, ms]) => [
    name,
    (ms - (cpuBefore[name] ?? 0)) / tookMs,
  ]);
  const now = new Set(pidsOf(system));
  const restarts = before.filter((pid) => !now.has(pid)).length;
  const sleeps = sum(workloads, (workload) => workload.sleeps) - sleepsBefore;
  return [{ asked, peakMb, cpu: Object.fromEntries(cpu), restarts, sleeps }, report];
}

async function cpuOf(system: EmbeddedSystem, side: TenantSide): Promise<Record<string, number>> {
  const { user, system: own } = process.cpuUsage();
  const { cpuMs: tenants } = await readCost(side.pid);
  const found: Record<string, number> = { cluster: (user + own) / 1_000, tenants };
  for (const app of apps) {
    const costs = processesOf(system, app).map(({ pid }) => readCost(pid ?? 0).catch(() => ({ cpuMs: 0 })));
    found[app] = (await Promise.all(costs)).reduce((total, { cpuMs }) => total + cpuMs, 0);
  }
  return found;
}

async function sample(system: EmbeddedSystem, peakMb: Record<string, number>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const app of apps) {
      for (const { pid } of processesOf(system, app)) {
        // The process may have ended between the listing and the read.
        const { rssMb } = await readCost(pid ?? 0).catch(() => ({ rssMb: 0 }));
        peakMb[app] = Math.max(peakMb[app] ?? 0, rssMb);
      }
    }
    await sleep(sampleMs, undefined, { signal }).catch(() => {});
  }
}

function judge(without: Seen, under: Seen, limits: Readonly<Record<string, number>>): readonly Finding[] {
  const p99 = ({ asked }: Seen, warm: boolean): number =>
    percentile(
      asked.filter((one) => one.answer.ok && one.warm === warm).map(({ tookMs }) => tookMs),
      0.99,
    );
  const within = (what: string, warm: boolean): Finding => {
    const own = p99(without, warm);
    return atMost(
      `${what}, p99 (${Math.round(own)} ms without)`,
      p99(under, warm),
      Math.ceil(Math.max(2 * own, own + moreMs)),
    );
  };
  return [
    none('requests of others lost or refused, without the hostile tenant', lost(without).length),
    none('requests of others lost or refused beside it', lost(under).length),
    within('an awake one', true),
    within('one that sleeps', false),
    atMost('parks missed beside it', without.sleeps - under.sleeps, without.sleeps / 4, 'parks'),
    all('processes of ours that ended', without.restarts + under.restarts, 0),
    ...apps.map((app) => atMost(`memory of the ${app}`, under.peakMb[app] ?? Number.NaN, limits[app] ?? 0, 'MB')),
  ];
}

function lost({ asked }: Seen): readonly Asked[] {
  return asked.filter(({ answer }) => !answer.ok);
}

function tell(without: Seen, under: Seen, report: AttackReport | undefined): void {
  const row = (name: string, { asked, sleeps, peakMb, cpu }: Seen): (string | number)[] => {
    const times = (warm: boolean): string => {
      const all = asked.filter((one) => one.answer.ok && one.warm === warm).map(({ tookMs }) => tookMs);
      return `${Math.round(percentile(all, 0.5))} / ${Math.round(percentile(all, 0.99))} of ${all.length}`;
    };
    const cores = [...apps, 'cluster', 'tenants'].map((of) => (cpu[of] ?? Number.NaN).toFixed(2)).join(' / ');
    const memory = apps.map((app) => Math.round(peakMb[app] ?? 0)).join(' / ');
    return [name, asked.length, lost({ asked } as Seen).length, sleeps, times(true), times(false), memory, cores];
  };
  const head = [
    'twenty tenants',
    'requests',
    'lost',
    'parks',
    'awake p50 / p99 ms',
    'asleep',
    'MB dlx / autoscaler',
    'cores dlx / autoscaler / cluster / tenants',
  ];
  for (const line of tableLines([head, row('alone', without), row('beside it', under)])) console.log(line);
  if (report !== undefined) {
    const { writes, connections, requests } = report;
    console.log(
      `  hostile: ${writes} writes, ${connections} connections, ${requests} requests over those that are kept`,
    );
  }
  for (const [reason, count] of Object.entries(report?.refused ?? {}))
    console.log(`  refused by the API ${count} times: ${reason}`);
  const lostCounts = new Map<string, number>();
  for (const { answer, byHost, warm } of lost(under)) {
    const what = `${warm ? 'awake' : 'asleep'}, ${byHost ? 'by host' : 'by Service'}: ${answer.text.slice(0, 150)}`;
    lostCounts.set(what, (lostCounts.get(what) ?? 0) + 1);
  }
  for (const [what, count] of [...lostCounts].slice(0, 20)) console.log(`  lost ${count} times: ${what}`);
}

function processesOf(system: EmbeddedSystem, app: string): readonly RunningProcess[] {
  return system.processes().filter(({ namespace, pod }) => namespace === systemNamespace && pod.startsWith(app));
}

function pidsOf(system: EmbeddedSystem): number[] {
  return apps.flatMap((app) => processesOf(system, app).flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

/** MiB of each app's container, by the chart's defaults. */
async function chartLimits(): Promise<Readonly<Record<(typeof apps)[number], number>>> {
  const text = await readFile(valuesFile, 'utf8');
  const limitOf = (app: string): number => {
    const own = text.slice(text.search(new RegExp(`^${app}:$`, 'm')));
    const [, amount = '', unit] = /limits: \{ memory: (\d+)(Mi|Gi) \}/.exec(own) ?? [];
    if (amount === '') throw new Error(`${valuesFile} has no memory limit for ${app}`);
    return Number(amount) * (unit === 'Gi' ? 1024 : 1);
  };
  return { dlx: limitOf('dlx'), autoscaler: limitOf('autoscaler') };
}
