import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { all, atMost, each, type Finding, none, percentile, printTable, seconds } from '../../../harness/report.ts';
import { ask } from '../../../harness/requests.ts';
import { createFleet, putToSleep, urlOf } from '../fleet/fleet.ts';
import { isFull, sizeFrom } from '../../../harness/size.ts';
import type { Workload } from '../fleet/workload.ts';
import { killApp, processesOf, readyPods, rollOut, scaleDlx } from '../fleet/apps.ts';
import { eventsOf } from '../fleet/events.ts';
import { paceOf, type Start } from './pace.ts';

/** The same number in each of two namespaces. */
const counts = { selector: 20, overlay: 20, always: 10 };
const namespaces = ['trials', 'others'];
const windowMs = 1_000;
/** The default; or less, so that the trial is shorter. */
const limitMs = sizeFrom('TRIALS_DEADMAN_MS', isFull ? 60_000 : 30_000);
/** A replica without a replacement waits for half the limit at most, as by default: 30 s of 60. */
const shutdownMs = limitMs / 2 + 25_000;
/** The defaults of the start throttle. */
const starts = { limit: 20, namespaceLimit: 10 };
const appStartMs = 1_000;
/** Between the limit and the switch come a look each second, and two live reads a second apart. */
const noticeMs = 4_000;
const upMs = 45_000;
const rollouts: readonly Rollout[] = [
  {
    name: 'one after the other',
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    delaySeconds: 4,
  },
  { name: 'both at once', strategy: { type: 'Recreate', rollingUpdate: null }, delaySeconds: 8 },
];

/** No DLX is left while 100 sleep; before that, two rollouts of the DLX that are merely slow. */
export async function blackout(): Promise<readonly Finding[]> {
  await using system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: appStartMs }) },
    dlxReplicas: 2,
    settleMs: 300,
    scalerOptions: { deadManSwitch: `${limitMs}ms` },
    dlxArgs: [`--shutdown-timeout=${shutdownMs}ms`],
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms', '--max-parks=50'],
  });
  const workloads: Workload[] = [];
  for (const namespace of namespaces) {
    workloads.push(...(await createFleet(system, { counts, windowMs, namespace })).workloads);
  }
  await putToSleep(system, workloads);
  const findings: Finding[] = [];
  for (const rollout of rollouts) findings.push(...(await slowRollout(system, workloads, rollout)));
  return [...findings, ...(await goDark(system, workloads))];
}

async function goDark(system: EmbeddedSystem, workloads: readonly Workload[]): Promise<readonly Finding[]> {
  scaleDlx(system, 0);
  for (const { pod } of processesOf(system, 'dlx')) killApp(system, pod);
  const goneMs = performance.now();
  const started = await Promise.all(workloads.map((workload) => watchStart(workload, goneMs)));
  const answers = await Promise.all(workloads.map((one) => ask(urlOf(system, one), { timeoutMs: 5_000 })));
  const hasEvent = ({ namespace, name }: Workload): boolean =>
    eventsOf(system.api, namespace, 'DlxGone').some((event) => event.name === name);
  await system.waitFor(() => workloads.every(hasEvent), { timeoutMs: 15_000 }).catch(() => undefined);
  const withEvent = workloads.filter(hasEvent);
  const findings = report(started, answers.filter(({ ok }) => ok).length, withEvent.length);
  scaleDlx(system, 2);
  const backMs = performance.now();
  await putToSleep(system, workloads);
  console.log(`  a DLX is back: all ${workloads.length} asleep again after ${seconds(performance.now() - backMs)}`);
  return findings;
}

/** When each was started, had a ready pod, and had its Service restored; milliseconds from `sinceMs`. */
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

function report(started: readonly Start[], served: number, withEvent: number): readonly Finding[] {
  const row = (name: string, moment: 'startedMs' | 'readyMs' | 'restoredMs'): string[] => {
    const values = started.map((one) => one[moment]);
    return [name, ...[Math.min(...values), percentile(values, 0.5), Math.max(...values)].map(seconds)];
  };
  printTable([
    ['no DLX is left: seconds from then', 'first', 'p50', 'last'],
    row('started', 'startedMs'),
    row('pod ready', 'readyMs'),
    row('its Services lead to its pods alone', 'restoredMs'),
  ]);
  const pace = paceOf(started);
  console.log(
    `  at once at most ${pace.atOnce} of ${starts.limit}, of one namespace ${pace.ofOneNamespace} of ${starts.namespaceLimit}; at most ${pace.perSecond} started within a second, where each takes ${seconds(appStartMs)}`,
  );
  const firstMs = Math.min(...started.map(({ startedMs }) => startedMs));
  const last = (of: (start: Start) => number): number => Math.max(...started.map(of));
  return [
    each('restored, with a ready pod, without any other action', started, ({ restoredMs }) => restoredMs > 0),
    all('requests through their Services answered meanwhile', served, started.length),
    all('with an Event', withEvent, started.length),
    all('none started before the limit', Number(firstMs >= limitMs), 1),
    atMost('no DLX → the first is started', firstMs, limitMs + noticeMs),
    atMost('the first is started → the last is restored', last(({ restoredMs }) => restoredMs) - firstMs, upMs),
    atMost('starting at once', pace.atOnce, starts.limit, 'resources'),
    atMost('starting at once, of one namespace', pace.ofOneNamespace, starts.namespaceLimit, 'resources'),
  ];
}

/** A rollout of the DLX. */
interface Rollout {
  readonly name: string;
  readonly strategy: object;
  /** A new pod may be ready only after this. */
  readonly delaySeconds: number;
}

/** All sleep on, and afterwards a request wakes one of them as usual. */
async function slowRollout(
  system: EmbeddedSystem,
  workloads: readonly Workload[],
  { name, strategy, delaySeconds }: Rollout,
): Promise<readonly Finding[]> {
  const withNone = watchLongest(() => readyPods(system, 'dlx') === 0);
  const withFewer = watchLongest(() => readyPods(system, 'dlx') < 2);
  const readinessProbe = { initialDelaySeconds: delaySeconds };
  await rollOut(system, 'dlx', strategy, { container: { readinessProbe } });
  const [noneForMs, fewerForMs] = [withNone(), withFewer()];
  await sleep(noticeMs);
  const woken = workloads.filter(({ phase, replicas }) => phase !== 'asleep' || replicas > 0);
  const [first] = workloads as [Workload];
  const answer = await ask(urlOf(system, first), { timeoutMs: 20_000 });
  console.log(`  a rollout, ${name}: fewer than both ready for ${seconds(fewerForMs)}, none for ${seconds(noneForMs)}`);
  first.idle = false;
  await first.until(() => first.isWhole, 20_000);
  await putToSleep(system, [first]);
  return [
    atMost(`a slow rollout, ${name}: no ready DLX for`, noneForMs, limitMs - 1_000),
    none(`  woken or restored by it, of ${workloads.length} asleep`, woken.length),
    all('  a request to a sleeper afterwards is answered', answer.status ?? 0, 200),
  ];
}

/** Returns a function that ends the watch, and tells the longest time for which a condition held at each look. */
function watchLongest(is: () => boolean): () => number {
  let sinceMs: number | undefined;
  let longestMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    sinceMs = is() ? (sinceMs ?? nowMs) : undefined;
    if (sinceMs !== undefined) longestMs = Math.max(longestMs, nowMs - sinceMs);
  }, 20);
  return () => {
    clearInterval(timer);
    return longestMs;
  };
}
