import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { atMost, each, type Finding, none, printTable, sum } from '../../../harness/report.ts';
import { printLogs } from '../fleet/app-logs.ts';
import { createFleet, type Fleet, fleetNamespace, urlOf, wakeUp } from '../fleet/fleet.ts';
import { isFull, sizeFrom } from '../../../harness/size.ts';
import type { Mode, Workload } from '../fleet/workload.ts';
import { areReady, killApp, leaderOf } from '../fleet/apps.ts';
import { type Sent, startTraffic } from '../../../harness/requests.ts';
import { watchWrites, type Write } from '../fleet/follow.ts';

/** The default of the Lease; or less, so that not every case waits so long: the time saved is taken off the limit. */
const leaseMs = sizeFrom('TRIALS_LEASE_MS', isFull ? 10_000 : 3_000);
const limitMs = 20_000 - (10_000 - leaseMs);
/** A workload that is not whole by then is stranded; one that took longer than the limit was slow. */
const strandedMs = 60_000;
const settleMs = 300;

/**
 * Kills both apps after each of their writes. The systems share the cases; with `TRIALS=full` each goes through all
 * of them, with the default length of the Lease.
 */
export async function crash(): Promise<readonly Finding[]> {
  const count = sizeFrom('TRIALS_LANES', 4);
  await using systems = new AsyncDisposableStack();
  const lanes: Fleet[] = [];
  for (let i = 0; i < count; i++) lanes.push(await startLane(i, systems));
  const cases = await planCases(lanes[0] as Fleet);
  console.log(`  ${cases.length} cases over ${count} systems`);
  return report(await runAll(lanes, cases));
}

/** Systems differ: one autoscaler or two, one DLX or two. */
async function startLane(i: number, systems: AsyncDisposableStack): Promise<Fleet> {
  const started = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 30 }) },
    dlxReplicas: 1 + (i % 2),
    autoscalerReplicas: 1 + (Math.floor(i / 2) % 2),
    settleMs,
    proxyLagMs: 100,
    backOffMs: 50,
    autoscalerArgs: ['--scale-interval=100ms', '--cooldown=1ms', `--lease-duration=${leaseMs}ms`],
  });
  return createFleet(systems.use(started), { counts: { selector: 1, overlay: 1, always: 1 }, windowMs: 300 });
}

/** Every write that the apps make in one cycle of each mode, with its answer and without. */
async function planCases({ system, workloads }: Fleet): Promise<CrashCase[]> {
  const cases: CrashCase[] = [];
  for (const workload of workloads) {
    const writes = await listWrites(system, workload);
    const counts = { autoscaler: 0, dlx: 0 };
    for (const write of writes) {
      const nth = ++counts[write.by];
      for (const when of ['unanswered', 'answered'] as const) cases.push({ mode: workload.mode, write, nth, when });
    }
  }
  return cases;
}

async function runAll(lanes: readonly Fleet[], cases: readonly CrashCase[]): Promise<CrashResult[]> {
  const shared = cases.values();
  const results: CrashResult[] = [];
  await Promise.all(
    lanes.map(async ({ system, workloads }) => {
      for (const one of isFull ? cases : shared) {
        const workload = workloads.find(({ mode }) => mode === one.mode);
        if (workload !== undefined) results.push(await crashOrTell(system, workload, one));
      }
    }),
  );
  return results.toSorted((a, b) => cases.indexOf(a.crash) - cases.indexOf(b.crash));
}

async function crashOrTell(system: EmbeddedSystem, workload: Workload, one: CrashCase): Promise<CrashResult> {
  try {
    return await crashOnce(system, workload, one, strandedMs);
  } catch (error) {
    await printLogs(system, /./, 10);
    for (const problem of system.problems) console.log(`  ${problem.message}`);
    const history = [String(error), ...workload.journal.around(performance.now(), 10_000, 0)];
    return { crash: one, recoveredMs: undefined, sent: [], history };
  }
}

function report(results: readonly CrashResult[]): Finding[] {
  const head = [
    'mode',
    'killed',
    'after its write of',
    'verb',
    'object',
    'answer',
    'whole after',
    'requests',
    'lost',
    'cut',
  ];
  const lostOf = ({ sent }: CrashResult): number => sent.filter(({ answer }) => !answer.ok).length;
  const rows = results.map((result) => {
    const { crash: one, recoveredMs, sent } = result;
    const { write, mode, when } = one;
    const whole = recoveredMs === undefined ? 'NOT' : `${Math.round(recoveredMs)} ms`;
    const cuts = sum(sent, ({ cut }) => cut);
    return [mode, write.by, write.kind, write.verb, write.object, when, whole, sent.length, lostOf(result), cuts];
  });
  printTable([head, ...rows]);
  for (const result of results.filter(({ history }) => history.length > 0).slice(0, 4)) tell(result);
  const slowestMs = Math.max(...results.map(({ recoveredMs = 0 }) => recoveredMs));
  return [
    each('whole again after each crash', results, ({ recoveredMs }) => recoveredMs !== undefined),
    atMost(`slowest, with a Lease of ${leaseMs / 1000} s (20 s with the default of 10 s)`, slowestMs, limitMs),
    none('requests not answered', sum(results, lostOf)),
  ];
}

function tell({ crash: { mode, write, when }, history, sent }: CrashResult): void {
  const lost = sent.find(({ answer }) => !answer.ok)?.answer;
  console.log(`\n  ${mode}, ${write.by} killed after its ${write.kind} write (${when}): ${lost?.text ?? 'not whole'}`);
  for (const line of history) console.log(`  ${line}`);
}

/** The process that dies, and when: at its n-th write in one park, wake and restore. */
export interface CrashCase {
  readonly mode: Mode;
  readonly write: Write;
  /** From 1, among the writes of that app. */
  readonly nth: number;
  /** `unanswered`: the write is done, and the process does not get the answer. */
  readonly when: 'unanswered' | 'answered';
}

export interface CrashResult {
  readonly crash: CrashCase;
  /** From the kill until the workload was whole; undefined: it was not in time, or the write never came. */
  readonly recoveredMs: number | undefined;
  readonly sent: readonly Sent[];
  /** The history that helps to find the cause of a failure. */
  readonly history: readonly string[];
}

/** A killed process gets so long to be really dead before the API would answer it. */
const deathMs = 30;
const parkTimeoutMs = 30_000;
const answerLimitMs = 20_000;
const everyMs = 100;

/**
 * The writes of both apps in one park, wake and restore, in order. Without requests afterwards the next park begins.
 */
export async function listWrites(system: EmbeddedSystem, workload: Workload): Promise<readonly Write[]> {
  const writes: Write[] = [];
  const stop = watchWrites(system.api, fleetNamespace, (write, moment) => {
    if (write.workload === workload.name && moment === 'done') writes.push(write);
  });
  await begin(system, workload);
  writes.length = 0;
  workload.idle = true;
  if (!(await workload.until(() => workload.phase === 'asleep', parkTimeoutMs)))
    throw new Error(`not asleep: ${workload}`);
  await wakeUp(system, workload);
  stop();
  const last = writes.findIndex(({ kind }) => kind === 'awake');
  if (last === -1) throw new Error(`no write makes it awake: ${workload}`);
  return writes.slice(0, last + 1);
}

/** Every case begins in the same state. */
async function begin(system: EmbeddedSystem, workload: Workload): Promise<void> {
  await system.waitFor(() => areReady(system), { timeoutMs: 30_000 });
  await wakeUp(system, workload);
}

/**
 * One crash. No request comes until the workload is asleep or the process is dead, whichever is first; from then on
 * requests keep coming, and each must be answered.
 */
export async function crashOnce(
  system: EmbeddedSystem,
  workload: Workload,
  crash: CrashCase,
  strandedMs: number,
): Promise<CrashResult> {
  await begin(system, workload);
  const killed = Promise.withResolvers<number>();
  const disarm = armKill(system, workload, crash, killed.resolve);
  workload.idle = true;
  const asleep = workload.until(() => workload.phase === 'asleep', parkTimeoutMs).then(() => sleep(50));
  await Promise.race([killed.promise, asleep]);
  const url = (): string => urlOf(system, workload);
  const persistent = crash.write.by === 'dlx';
  const traffic = startTraffic({ url, everyMs, limitMs: answerLimitMs, persistent });
  workload.idle = false;
  const killedMs = await Promise.race([killed.promise, sleep(parkTimeoutMs, undefined, { ref: false })]);
  const whole = killedMs !== undefined && (await workload.until(() => workload.isWhole, strandedMs));
  const recoveredMs = whole && killedMs !== undefined ? performance.now() - killedMs : undefined;
  await sleep(3 * everyMs);
  const sent = await traffic.stop();
  disarm();
  const good = recoveredMs !== undefined && sent.every(({ answer }) => answer.ok);
  const fromMs = killedMs ?? performance.now() - 10_000;
  return {
    crash,
    recoveredMs,
    sent,
    history: good ? [] : [`${workload}`, ...workload.journal.around(fromMs, 3_000, 25_000)],
  };
}

function armKill(
  system: EmbeddedSystem,
  workload: Workload,
  { write, nth, when }: CrashCase,
  onKilled: (atMs: number) => void,
): () => void {
  let count = 0;
  const kill = (pod: string): void => {
    killApp(system, pod);
    workload.journal.note(`--- ${pod} killed`);
    onKilled(performance.now());
  };
  return watchWrites(system.api, fleetNamespace, async (seen, moment) => {
    if (seen.workload !== workload.name || seen.by !== write.by || moment !== 'done' || ++count !== nth) return;
    const pod = seen.by === 'dlx' ? seen.author : leaderOf(system);
    if (pod === undefined) throw new Error(`no pod to kill: the ${seen.kind} write of the ${seen.by} comes from none`);
    if (when === 'answered') return void setTimeout(() => kill(pod), 3);
    kill(pod);
    await sleep(deathMs);
  });
}
