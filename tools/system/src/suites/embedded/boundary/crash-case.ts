import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedSystem } from '@scaler/demo';
import { areReady, killApp, leaderOf } from '../fleet/apps.ts';
import { fleetNamespace, urlOf, wakeUp } from '../fleet/fleet.ts';
import { type Sent, startTraffic, type Traffic } from '../../../harness/traffic.ts';
import type { Mode, Workload } from '../fleet/workload.ts';
import { watchWrites, type Write } from '../fleet/writes.ts';

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
  const traffic = start(system, workload, crash);
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

function start(system: EmbeddedSystem, workload: Workload, { write }: CrashCase): Traffic {
  const url = (): string => urlOf(system, workload);
  return startTraffic({ url, everyMs, limitMs: answerLimitMs, persistent: write.by === 'dlx' });
}
