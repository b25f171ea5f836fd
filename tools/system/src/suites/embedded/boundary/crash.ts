import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { type CrashCase, type CrashResult, crashOnce, listWrites } from './crash-case.ts';
import { atMost, each, type Finding, none } from '../../../harness/finding.ts';
import { printLogs } from '../fleet/app-logs.ts';
import { createFleet, type Fleet } from '../fleet/fleet.ts';
import { sum } from '../../../harness/numbers.ts';
import { isFull, sizeFrom } from '../../../harness/size.ts';
import { printTable } from '../../../harness/table.ts';
import type { Workload } from '../fleet/workload.ts';

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
