import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import type { ProcessImage } from '@scaler/testing-kit/kubernetes';
import { processesOf } from '../fleet/apps.ts';
import { all, atMost, type Finding, none, percentile, printTable, spread, sum } from '../../../harness/report.ts';
import { readCost } from '../judgement/process-cost.ts';
import { sizeFrom } from '../../../harness/size.ts';
import type { Workload } from '../fleet/workload.ts';
import { type Asked, createTenants, startTenantSide, type TenantSide, useTenants } from './tenants.ts';
import { createManaged } from '../fleet/fleet.ts';
import { largeServices } from './hostile-writes.ts';
import { commandOf, startProgram } from './program.ts';

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
  using side = startTenantSide();
  const forMs = sizeFrom('TRIALS_SECONDS', 60) * 1_000;
  const limits = await chartLimits();
  await using system = await startEmbeddedSystem({
    images: { app: side.image, hostile: hostileImage() },
    dlxReplicas: 2,
    autoscalerReplicas: 1,
    settleMs: 500,
    scalerOptions: { apiQps: '1000' },
    // In a pod the default follows from the container's limit.
    dlxArgs: [`--hold-bytes-total=${limits.dlx / 2}Mi`],
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms'],
  });
  const workloads = await createTenants(system);
  await createHostile(system, 'hostile');
  // The first round of a process runs code for the first time.
  await useTenants(system, side, workloads, 15_000);
  const without = await watched(system, side, workloads, forMs);
  const [under, report] = await Promise.all([
    watched(system, side, workloads, forMs),
    attack(system, workloads, forMs),
  ]);
  tell(without, under, report);
  return judge(without, under, limits);
}

async function watched(
  system: EmbeddedSystem,
  side: TenantSide,
  workloads: readonly Workload[],
  forMs: number,
): Promise<Seen> {
  const peakMb: Record<string, number> = {};
  const before = pidsOf(system);
  const [beganMs, cpuBefore] = [performance.now(), await cpuOf(system, side)];
  const sleepsBefore = sum(workloads, ({ sleeps }) => sleeps);
  const stop = new AbortController();
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  await side.call('lateness', null);
  const sampling = sample(system, peakMb, stop.signal);
  const asked = await useTenants(system, side, workloads, forMs);
  stop.abort();
  await sampling;
  loop.disable();
  // A stall of these two processes is not caused by the product.
  const late = await side.call('lateness', null);
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
  return { asked, peakMb, cpu: Object.fromEntries(cpu), restarts, sleeps };
}

async function cpuOf(system: EmbeddedSystem, side: TenantSide): Promise<Record<string, number>> {
  const { user, system: own } = process.cpuUsage();
  const { cpuMs: tenants } = await readCost(side.pid);
  const found: Record<string, number> = { cluster: (user + own) / 1_000, tenants };
  for (const app of apps) {
    const costs = processesOf(system, app).map(({ pid }) => readCost(pid ?? 0).catch(() => ({ cpuMs: 0 })));
    found[app] = sum(await Promise.all(costs), ({ cpuMs }) => cpuMs);
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
  const within = (what: string, warm: boolean): Finding => {
    const [own, beside] = [without, under].map((seen) => percentile(timesOf(seen, warm), 0.99)) as [number, number];
    const limitMs = Math.ceil(Math.max(2 * own, own + moreMs));
    return atMost(`${what}, p99 (${Math.round(own)} ms without)`, beside, limitMs);
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

/** Of the requests that were answered. */
function timesOf({ asked }: Seen, warm: boolean): readonly number[] {
  return asked.filter((one) => one.answer.ok && one.warm === warm).map(({ tookMs }) => tookMs);
}

function tell(without: Seen, under: Seen, report: AttackReport): void {
  const row = (name: string, seen: Seen): (string | number)[] => {
    const { asked, sleeps, peakMb, cpu } = seen;
    const times = (warm: boolean): string => `${spread(timesOf(seen, warm))} of ${timesOf(seen, warm).length}`;
    const cores = [...apps, 'cluster', 'tenants'].map((of) => (cpu[of] ?? Number.NaN).toFixed(2)).join(' / ');
    const memory = apps.map((app) => Math.round(peakMb[app] ?? 0)).join(' / ');
    return [name, asked.length, lost(seen).length, sleeps, times(true), times(false), memory, cores];
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
  printTable([head, row('alone', without), row('beside it', under)]);
  const { writes, connections, requests, refused } = report;
  console.log(`  hostile: ${writes} writes, ${connections} connections, ${requests} requests over those that are kept`);
  for (const [reason, count] of Object.entries(refused)) console.log(`  refused by the API ${count} times: ${reason}`);
  const kinds = Map.groupBy(lost(under), ({ answer, byHost, warm }) => {
    return `${warm ? 'awake' : 'asleep'}, ${byHost ? 'by host' : 'by Service'}: ${answer.text.slice(0, 150)}`;
  });
  for (const [what, { length }] of [...kinds].slice(0, 20)) console.log(`  lost ${length} times: ${what}`);
}

function pidsOf(system: EmbeddedSystem): number[] {
  return apps.flatMap((app) => processesOf(system, app).flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
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

/** The namespace in which the hostile tenant may `edit`. */
export const hostileNamespace = 'mallory';
const ownService = 'front';

/** The program of the hostile tenant's pods: a process of its own, so that it takes no time of the trial's. */
export function hostileImage(): ProcessImage {
  return { command: commandOf('hostile-app.ts') };
}

/**
 * Creates the hostile tenant's objects: a workload in use, through the DLX; and its large Services, now, because opening a
 * thousand sockets for them stalls the trial, where a real kube-proxy writes rules.
 */
export async function createHostile(system: EmbeddedSystem, image: string): Promise<void> {
  const annotations = { 'scaler/routing': 'always', 'scaler/idle-after': '1h' };
  await createManaged(system, { namespace: hostileNamespace, name: ownService }, annotations, { image });
  for (const { object } of largeServices(hostileNamespace, -1)) await system.apply(object);
  await system.waitFor(() => system.proxy.backends(hostileNamespace, ownService, 80).length > 0);
}

/** The report of the hostile processes at their end. */
export interface AttackReport {
  readonly writes: number;
  /** Writes that the API refused, by the first words of the reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Connections that its clients opened, and requests that they sent. */
  readonly connections: number;
  readonly requests: number;
}

/**
 * Writes and requests the worst that the tenant may for so long, each from a process of its own which yields to all
 * others.
 */
export async function attack(
  { api, proxy }: EmbeddedSystem,
  victims: readonly Workload[],
  forMs: number,
): Promise<AttackReport> {
  const seconds = String(forMs / 1_000);
  const names = victims.map(({ namespace, name }) => `${namespace}/${name}`);
  const [written, called] = await Promise.all([
    runToReport('hostile-writer.ts', [api.url, hostileNamespace, seconds, ...names]),
    runToReport('hostile-clients.ts', [seconds, ...proxy.backends(hostileNamespace, ownService, 80)]),
  ]);
  return { ...written, ...called } as AttackReport;
}

/** Runs a hostile program to its end; resolves with its report. */
async function runToReport(program: string, args: readonly string[]): Promise<Partial<AttackReport>> {
  const child = startProgram(program, args);
  let report: Partial<AttackReport> = {};
  child.on('message', (message: Partial<AttackReport>) => (report = message));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return report;
}
