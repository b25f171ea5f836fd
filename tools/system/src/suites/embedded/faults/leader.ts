import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { areReady, autoscalerPid, killApp, leaderOf } from '../fleet/apps.ts';
import { all, atMost, type Finding, none, printTable, seconds, sum } from '../../../harness/report.ts';
import { createFleet, type Fleet, fleetNamespace, wakeUp } from '../fleet/fleet.ts';
import type { Workload } from '../fleet/workload.ts';
import { type Acts, followActs, type Overlap, overlapOf } from './acts.ts';

/** 50 workloads, all of which are to go to sleep. */
const counts = { selector: 20, overlay: 20, always: 10 };
const windowMs = 2_000;
const settleMs = 1_000;
const limitMs = 20_000;
const leastParking = 10;
/** By then a thawed leader has sent every write that it had begun. */
const lateWritesMs = 3_000;

interface Phases {
  readonly awake: number;
  readonly parking: number;
  readonly asleep: number;
}

/** The fault of the leader, and its moment. */
interface Round {
  readonly name: string;
  readonly when: (phases: Phases) => boolean;
  /** Kills or freezes it; a frozen one goes on by the function that is returned. */
  readonly strike: (system: EmbeddedSystem, pod: string) => (() => void) | undefined;
  /** A frozen leader goes on as soon as another one acts, or only when that one has finished. */
  readonly goesOn?: 'soon' | 'late';
}

function kill(system: EmbeddedSystem, pod: string): undefined {
  killApp(system, pod);
}

function loseNode(system: EmbeddedSystem, pod: string): undefined {
  killApp(system, pod);
  system.api.store.delete('v1/pods', systemNamespace, pod, { gracePeriodSeconds: 0 });
}

/** As a virtual machine that is suspended: when it goes on it has missed everything in between. */
function freeze(system: EmbeddedSystem, pod: string): () => void {
  const pid = autoscalerPid(system, pod);
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

/** So many sleep, and enough are being parked. */
const asleepAtLeast =
  (least: number) =>
  ({ parking, asleep }: Phases): boolean =>
    asleep >= least && parking >= leastParking;

const rounds: readonly Round[] = [
  { name: 'killed, 10 parks begun', when: asleepAtLeast(0), strike: kill },
  {
    name: 'its node lost, all begun',
    when: ({ awake, parking }) => awake === 0 && parking >= leastParking,
    strike: loseNode,
  },
  { name: 'killed, 10 asleep, 10 under way', when: asleepAtLeast(10), strike: kill },
  { name: 'frozen until another acts', when: asleepAtLeast(5), strike: freeze, goesOn: 'soon' },
  { name: 'frozen until another has finished', when: asleepAtLeast(5), strike: freeze, goesOn: 'late' },
];

interface Result {
  readonly round: Round;
  readonly phases: Phases;
  /** From the strike until another process wrote, and until each had been at rest. */
  readonly nextMs: number;
  readonly settledMs: number;
  readonly unsettled: readonly string[];
  readonly overlap: Overlap;
}

/** The leader is struck in the middle of 50 parks; a second autoscaler stands by. The Lease has its default length. */
export async function leader(): Promise<readonly Finding[]> {
  await using system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 15 }) },
    dlxReplicas: 2,
    autoscalerReplicas: 2,
    settleMs,
    backOffMs: 50,
    autoscalerArgs: ['--scale-interval=500ms', '--cooldown=1ms', '--max-parks=50'],
  });
  const acts = followActs(system, fleetNamespace);
  const fleet = await createFleet(system, { counts, windowMs });
  const results: Result[] = [];
  for (const round of rounds) {
    await begin(fleet);
    results.push(await strike(fleet, acts, round));
  }
  return report(results);
}

/** All are awake, both autoscalers run, and from now on all are idle. */
async function begin({ system, workloads }: Fleet): Promise<void> {
  await system.waitFor(() => areReady(system) && leaderOf(system) !== undefined, { timeoutMs: 60_000 });
  const { metered = [], counted = [] } = Object.groupBy(workloads, ({ mode }) =>
    mode === 'always' ? 'counted' : 'metered',
  );
  for (const some of [metered, counted]) await Promise.all(some.map((workload) => wakeUp(system, workload)));
  // Workloads that the DLX counts fall idle one window after their last request: the others at the same time.
  await sleep(windowMs - 500);
  for (const workload of metered) workload.idle = true;
}

async function strike({ system, workloads }: Fleet, acts: Acts, round: Round): Promise<Result> {
  acts.clear();
  await system.waitFor(() => round.when(phasesOf(workloads)), { timeoutMs: 60_000 });
  const phases = phasesOf(workloads);
  const { holder } = acts;
  const pod = leaderOf(system);
  if (holder === undefined || pod === undefined) throw new Error('no autoscaler holds the Lease');
  const goOn = round.strike(system, pod);
  const struckMs = performance.now();
  // A park that was undone stays undone: parking at once again would be another trial.
  for (const workload of workloads) workload.idle = false;
  const settling = Promise.all(workloads.map((workload) => settled(workload, struckMs)));
  await system.waitFor(() => acts.all.some(({ process }) => process !== holder), { timeoutMs: 60_000 });
  const nextMs = (acts.all.find(({ process }) => process !== holder)?.atMs ?? Number.NaN) - struckMs;
  if (round.goesOn === 'soon') goOn?.();
  const times = await settling;
  if (round.goesOn === 'late') goOn?.();
  if (round.goesOn !== undefined) await sleep(lateWritesMs);
  return {
    ...{ round, phases, nextMs },
    settledMs: Math.max(...times),
    unsettled: workloads.filter((_, i) => !((times[i] ?? Infinity) <= limitMs)).map(String),
    overlap: overlapOf(acts.all),
  };
}

/** Milliseconds from the strike until it was at rest, asleep or awake. */
async function settled(workload: Workload, struckMs: number): Promise<number> {
  const rested = await workload.until(() => workload.isAtRest, 60_000);
  return rested ? performance.now() - struckMs : Number.NaN;
}

function phasesOf(workloads: readonly Workload[]): Phases {
  const count = (phase: string): number => workloads.filter((workload) => workload.phase === phase).length;
  return { awake: count('awake'), parking: count('parking'), asleep: count('asleep') };
}

function report(results: readonly Result[]): Finding[] {
  const head = ['the leader', 'awake', 'parking', 'asleep', 'another wrote after', 'each at rest after'];
  const rest = ['handed over', 'by both', 'without the Lease'];
  const rows = results.map(({ round, phases, nextMs, settledMs, overlap }) => [
    ...[round.name, phases.awake, phases.parking, phases.asleep, seconds(nextMs), seconds(settledMs)],
    ...[overlap.handedOver, overlap.contested.length, overlap.withoutLease],
  ]);
  printTable([[...head, ...rest], ...rows]);
  for (const { unsettled, overlap } of results) {
    for (const text of [...unsettled.slice(0, 5), ...overlap.contested.slice(0, 5)]) console.log(`    ${text}`);
  }
  const contested = sum(results, ({ overlap }) => overlap.contested.length);
  const withoutLease = sum(results, ({ overlap }) => overlap.withoutLease);
  return [
    all('rounds in which 10 or more of 50 were being parked', results.length, rounds.length),
    none('neither finished nor undone within 20 s', results.flatMap(({ unsettled }) => unsettled).length),
    atMost('the slowest of them', Math.max(...results.map(({ settledMs }) => settledMs)), limitMs),
    none('resources that one wrote to after the other had begun', contested),
    none('writes of a process that did not hold the Lease', withoutLease),
  ];
}
