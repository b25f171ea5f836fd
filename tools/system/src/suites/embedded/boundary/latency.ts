import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { all, atMost, type Finding, percentile, printTable } from '../../../harness/report.ts';
import { type Answer, ask } from '../../../harness/requests.ts';
import { createFleet, type Fleet, urlOf } from '../fleet/fleet.ts';
import { createProbedImage, type ProbedImage, startDelayMs } from './probed-image.ts';
import { sizeFrom } from '../../../harness/size.ts';
import type { Workload } from '../fleet/workload.ts';

/** One wake: the milliseconds that each part of the way of its held request took. */
interface Wake {
  readonly toWakeWrite: number;
  /** From the wake write until its instance could serve: the cluster's and the app's own time. */
  readonly toStart: number;
  readonly toUpstream: number;
  /** From the pod's Ready condition; negative when the DLX found it usable before; undefined: it slept before that. */
  readonly readyToUpstream: number | undefined;
  readonly toClient: number;
  /** Between two probes of the instance. */
  readonly probeGaps: readonly number[];
  /** From a client to the awake instance through the DLX, right afterwards: the time of three hops on this machine. */
  readonly control: number | undefined;
}

/** The first wakes of a process run code for the first time; the report shows them apart. */
const coldWakes = 3;
/** The pause between two wakes, so that the machine's load is not measured. */
const spacingMs = 250;

const timeoutMs = 20_000;
const counts = { selector: 8, overlay: 6, always: 6 };

/** Measures how long held requests wait for the product itself. */
export async function latency(): Promise<readonly Finding[]> {
  const wanted = sizeFrom('TRIALS_WAKES', 100);
  const image = createProbedImage();
  await using system = await startEmbeddedSystem({
    images: { app: image },
    settleMs: 200,
    scalerOptions: { apiQps: '2000' },
    autoscalerArgs: ['--scale-interval=100ms', '--cooldown=1ms', '--max-parks=64'],
  });
  const fleet = await createFleet(system, { counts, windowMs: 250 });
  const results: (Wake | string)[] = [];
  while (results.length < wanted + coldWakes) {
    await park(fleet);
    await sleep(spacingMs);
    results.push(...(await wakeAll(fleet, image, wanted + coldWakes - results.length)));
  }
  const failed = results.filter((result) => typeof result === 'string');
  for (const text of failed) console.log(`  ${text}`);
  const wakes = results.filter((result) => typeof result !== 'string');
  return report(wakes.slice(0, coldWakes), wakes.slice(coldWakes), failed.length);
}

async function park({ workloads }: Fleet): Promise<void> {
  for (const workload of workloads) workload.idle = true;
  for (const workload of workloads) {
    const asleep = (): boolean => workload.phase === 'asleep' && workload.readyPods.size === 0;
    if (!(await workload.until(asleep, 30_000))) throw new Error(`not asleep after 30 s: ${workload}`);
  }
}

/** A held request that was answered, and the lookups that are still to be done. */
interface Held {
  readonly workload: Workload;
  readonly answer: Answer;
  readonly writtenMs: number;
  readonly control: Answer | undefined;
}

/** Wakes them one by one, and leaves them at rest. */
async function wakeAll({ system, workloads }: Fleet, image: ProbedImage, limit: number): Promise<(Wake | string)[]> {
  const held: Held[] = [];
  for (const workload of workloads.slice(0, limit)) {
    held.push(await wakeOne(system, workload));
    await sleep(spacingMs);
  }
  for (const workload of workloads) {
    workload.idle = false;
    const atRest = await workload.until(() => workload.isAtRest, 30_000);
    if (!atRest) throw new Error(`not at rest after 30 s: ${workload}`);
  }
  return held.map((one) => measure(one, image));
}

async function wakeOne(system: EmbeddedSystem, workload: Workload): Promise<Held> {
  let writtenMs = Number.NaN;
  workload.armed = { anchor: 'waking:arrived', holdMs: 0, fire: () => (writtenMs = performance.now()) };
  const answer = await ask(urlOf(system, workload), { timeoutMs });
  workload.idle = false;
  const control = workload.mode === 'always' ? await ask(urlOf(system, workload), { timeoutMs }) : undefined;
  return { workload, answer, writtenMs, control };
}

function measure({ workload, answer, writtenMs, control }: Held, { instances }: ProbedImage): Wake | string {
  const instance = [...instances.values()].find(({ requestsMs }) => requestsMs.has(answer.id));
  const upstreamMs = instance?.requestsMs.get(answer.id);
  if (!answer.ok || instance === undefined || upstreamMs === undefined) return problem(workload, answer);
  return {
    toWakeWrite: writtenMs - answer.sentMs,
    toStart: instance.readyAtMs - writtenMs,
    toUpstream: upstreamMs - instance.readyAtMs,
    readyToUpstream: workload.readyAtMs > answer.sentMs ? upstreamMs - workload.readyAtMs : undefined,
    toClient: answer.firstByteMs - upstreamMs,
    probeGaps: instance.probesMs.slice(1).map((ms, i) => ms - (instance.probesMs[i] ?? ms)),
    control: control && (instance.requestsMs.get(control.id) ?? Number.NaN) - control.sentMs,
  };
}

function problem(workload: Workload, { text, sentMs }: Answer): string {
  return [`${workload}: ${text}`, ...workload.journal.around(sentMs, 500, 5_000)].join('\n  ');
}

function report(cold: readonly Wake[], wakes: readonly Wake[], failed: number): Finding[] {
  const row = (name: string, values: readonly number[]): (string | number)[] => [
    name,
    ...[0.5, 0.9, 0.99, 1].map((p) => percentile(values, p).toFixed(1)),
  ];
  const of = (part: Exclude<keyof Wake, 'probeGaps'>, some = wakes): number[] =>
    some.flatMap((wake) => wake[part] ?? []);
  const toWakeWrite = of('toWakeWrite');
  const toUpstream = of('toUpstream');
  const gaps = wakes.flatMap(({ probeGaps }) => probeGaps);
  printTable([
    ['milliseconds', 'p50', 'p90', 'p99', 'longest'],
    row('held request sent → wake write at the API', toWakeWrite),
    row(`  the same, the first ${coldWakes} of the process, not judged`, of('toWakeWrite', cold)),
    row(`wake write → instance can be used (it takes ${startDelayMs} to start)`, of('toStart')),
    row('instance can be used → first upstream byte', toUpstream),
    row('pod Ready → first upstream byte', of('readyToUpstream')),
    row('first upstream byte → first byte at the client', of('toClient')),
    row('for comparison: client → awake instance, through the DLX', of('control')),
    row('between two probes of an instance that is not ready', gaps),
  ]);
  return [
    all('requests held, each answered once awake', wakes.length, wakes.length + failed),
    atMost('held request → wake write, p99', percentile(toWakeWrite, 0.99), 10),
    atMost('instance can be used → first upstream byte, p50', percentile(toUpstream, 0.5), 80),
    atMost('instance can be used → first upstream byte, p99', percentile(toUpstream, 0.99), 200),
    atMost('longest pause between two looks whether it is ready, p99', percentile(gaps, 0.99), 100),
  ];
}
