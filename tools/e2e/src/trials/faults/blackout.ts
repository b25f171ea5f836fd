import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { createEchoImage } from '@scaler/testing-kit';
import { percentile } from '../../percentiles.ts';
import { ask } from '../client.ts';
import { all, atMost, type Finding, none } from '../finding.ts';
import { createFleet, type Fleet, urlOf } from '../fleet.ts';
import { say } from '../say.ts';
import { isFull, sizeFrom } from '../size.ts';
import { tableLines } from '../table.ts';
import type { Workload } from '../workload.ts';
import { eventsOf } from './events.ts';
import { paceOf, type Start } from './pace.ts';

/** As many in each of two namespaces. */
const counts = { selector: 20, overlay: 20, always: 10 };
const namespaces = ['trials', 'others'];
const windowMs = 1_000;
/** The default; or less, so that nobody has to wait so long. */
const limitMs = sizeFrom('TRIALS_DEADMAN_MS', isFull ? 60_000 : 20_000);
/** The defaults. */
const starts = { limit: 20, namespaceLimit: 10 };
const appStartMs = 1_000;
/** Between the limit and the switch lie a look each second and two live reads a second apart. */
const noticeMs = 4_000;
const upMs = 45_000;
const deployments = 'apps/v1/deployments';

/** No DLX is left while 100 sleep; before, two rollouts of it that are merely slow. */
export async function blackout(): Promise<readonly Finding[]> {
  const system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: appStartMs }) },
    dlxReplicas: 2,
    settleMs: 300,
    scalerOptions: { deadManSwitch: `${limitMs}ms` },
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms', '--max-parks=50'],
  });
  const fleets: Fleet[] = [];
  try {
    for (const namespace of namespaces) {
      fleets.push(await createFleet(system, { counts, image: 'app', windowMs, namespace }));
    }
    const workloads = fleets.flatMap((fleet) => fleet.workloads);
    await putToSleep(workloads);
    return [
      ...(await slowRollout(system, workloads, 'one after the other', oneByOne)),
      ...(await slowRollout(system, workloads, 'both at once', bothAtOnce)),
      ...(await goDark(system, workloads)),
    ];
  } finally {
    for (const fleet of fleets) fleet.close();
    await system.close();
  }
}

async function putToSleep(workloads: readonly Workload[]): Promise<void> {
  for (const workload of workloads) workload.idle = true;
  for (const workload of workloads) {
    const asleep = (): boolean => workload.phase === 'asleep' && workload.isAtRest && workload.readyPods.size === 0;
    if (!(await workload.until(asleep, 120_000))) throw new Error(`not asleep after 120 s: ${workload}`);
  }
}

function readyDlx({ api }: EmbeddedSystem): number {
  return (
    api.store.get<{ status?: { readyReplicas?: number } } & ReturnType<typeof api.store.get>>(
      deployments,
      systemNamespace,
      'dlx',
    ).status?.readyReplicas ?? 0
  );
}

const untilReady = (system: EmbeddedSystem, count: number): Promise<unknown> =>
  system.waitFor(() => readyDlx(system) === count, { timeoutMs: 60_000 });

const dlxPods = ({ api }: EmbeddedSystem): string[] =>
  api.store
    .list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=dlx' })
    .items.map(({ metadata }) => metadata.name);

const removePod = ({ api }: EmbeddedSystem, pod: string, gracePeriodSeconds?: number): unknown =>
  api.store.delete('v1/pods', systemNamespace, pod, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });

/** Each leaves in good order, and its successor takes some time to come. */
async function oneByOne(system: EmbeddedSystem): Promise<void> {
  system.node.startDelayMs = limitMs * 0.2;
  for (const pod of dlxPods(system)) {
    removePod(system, pod);
    await untilReady(system, 1);
    await untilReady(system, 2);
  }
}

/** Both are gone at once, and for half of the limit, or more, there is none. */
async function bothAtOnce(system: EmbeddedSystem): Promise<void> {
  system.node.startDelayMs = limitMs * 0.4;
  for (const pod of dlxPods(system)) removePod(system, pod, 0);
  await untilReady(system, 0);
  await untilReady(system, 2);
}

/** All sleep on, and one of them is woken by a request afterwards as ever. */
async function slowRollout(
  system: EmbeddedSystem,
  workloads: readonly Workload[],
  name: string,
  roll: (system: EmbeddedSystem) => Promise<void>,
): Promise<readonly Finding[]> {
  const gaps = watchGaps(system);
  await roll(system);
  const noneForMs = gaps.stop();
  system.node.startDelayMs = 0;
  // Had the switch been thrown, it would show within what it takes to notice.
  await sleep(noticeMs);
  const woken = workloads.filter(({ phase, replicas }) => phase !== 'asleep' || replicas > 0);
  const [first] = workloads as [Workload];
  const answer = await ask(urlOf(system, first), { timeoutMs: 20_000 });
  say(`  a rollout, ${name}: no ready DLX for ${seconds(noneForMs)} of the ${seconds(limitMs)} that are allowed`);
  first.idle = false;
  await first.until(() => first.isWhole, 20_000);
  await putToSleep([first]);
  return [
    atMost(`a slow rollout, ${name}: without a ready DLX for`, noneForMs, limitMs - 1_000),
    none(`  woken or restored by it, of ${workloads.length} asleep`, woken.length),
    all('  a request to a sleeper afterwards is answered', answer.status ?? 0, 200),
  ];
}

/** The longest time without a ready DLX. */
function watchGaps(system: EmbeddedSystem): { stop(): number } {
  let sinceMs: number | undefined;
  let longestMs = 0;
  const look = (): void => {
    const nowMs = performance.now();
    if (readyDlx(system) > 0) sinceMs = undefined;
    else sinceMs ??= nowMs;
    if (sinceMs !== undefined) longestMs = Math.max(longestMs, nowMs - sinceMs);
  };
  const timer = setInterval(look, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return longestMs;
    },
  };
}

async function goDark(system: EmbeddedSystem, workloads: readonly Workload[]): Promise<readonly Finding[]> {
  const pods = dlxPods(system);
  system.api.store.patch(deployments, systemNamespace, 'dlx', { type: 'merge', body: { spec: { replicas: 0 } } });
  for (const pod of pods) system.kill(systemNamespace, pod, 'SIGKILL');
  const goneMs = performance.now();
  const started = await Promise.all(workloads.map((workload) => watchStart(workload, goneMs)));
  const answers = await Promise.all(workloads.map((one) => ask(urlOf(system, one), { timeoutMs: 5_000 })));
  await sleep(1_500);
  const told = workloads.filter(({ namespace, name }) => eventsOf(system, namespace, name, 'DlxGone').length > 0);
  const findings = report(started, answers.filter(({ ok }) => ok).length, told.length);
  system.api.store.patch(deployments, systemNamespace, 'dlx', { type: 'merge', body: { spec: { replicas: 2 } } });
  const backMs = performance.now();
  await putToSleep(workloads);
  say(`  a DLX is back: all ${workloads.length} asleep again after ${seconds(performance.now() - backMs)}`);
  return findings;
}

/** When it was started, had a ready pod, and was led to by its Service alone; milliseconds from `sinceMs`. */
async function watchStart(workload: Workload, sinceMs: number): Promise<Start> {
  const { namespace } = workload;
  const untilMs = async (is: () => boolean): Promise<number> =>
    (await workload.until(is, limitMs + noticeMs + upMs)) ? performance.now() - sinceMs : Number.NaN;
  const isRestored = (): boolean =>
    workload.phase === 'awake' &&
    workload.key === undefined &&
    workload.slices.size === 0 &&
    workload.readyPods.size > 0;
  const [startedMs, readyMs, restoredMs] = await Promise.all([
    untilMs(() => workload.replicas > 0),
    untilMs(() => workload.readyPods.size > 0),
    untilMs(isRestored),
  ]);
  return { namespace, startedMs, readyMs, restoredMs };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function report(started: readonly Start[], served: number, told: number): readonly Finding[] {
  const row = (name: string, values: readonly number[]): (string | number)[] => [
    name,
    ...[0, 0.5, 1].map((p) => seconds(p === 0 ? Math.min(...values) : percentile(values, p))),
  ];
  const rows = [
    ['no DLX is left: seconds from then', 'first', 'p50', 'last'],
    row(
      'started',
      started.map(({ startedMs }) => startedMs),
    ),
    row(
      'pod ready',
      started.map(({ readyMs }) => readyMs),
    ),
    row(
      'its Services lead to its pods alone',
      started.map(({ restoredMs }) => restoredMs),
    ),
  ];
  for (const line of tableLines(rows)) say(line);
  const pace = paceOf(started);
  say(
    `  at once at most ${pace.atOnce} of ${starts.limit}, of one namespace ${pace.ofOneNamespace} of ${starts.namespaceLimit}; at most ${pace.perSecond} started within a second, where each takes ${seconds(appStartMs)}`,
  );
  const firstMs = Math.min(...started.map(({ startedMs }) => startedMs));
  const last = (of: (start: Start) => number): number => Math.max(...started.map(of));
  return [
    all(
      'restored, with a pod that is ready, nobody having done anything',
      started.filter(({ restoredMs }) => restoredMs > 0).length,
      started.length,
    ),
    all('requests through their Services answered meanwhile', served, started.length),
    all('told by an Event', told, started.length),
    all('none started before the limit', Number(firstMs >= limitMs), 1),
    atMost('no DLX → the first is started', firstMs, limitMs + noticeMs),
    atMost('the first is started → the last is restored', last(({ restoredMs }) => restoredMs) - firstMs, upMs),
    atMost('starting at once', pace.atOnce, starts.limit, 'resources'),
    atMost('starting at once, of one namespace', pace.ofOneNamespace, starts.namespaceLimit, 'resources'),
  ];
}
