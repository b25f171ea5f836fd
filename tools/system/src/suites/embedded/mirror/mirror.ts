import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import type { FakeApi } from '@scaler/testing-kit/kubernetes';
import { autoscalerPid, killApp, processesOf, rollOut, scaleDlx } from '../fleet/apps.ts';
import { atMost, type Finding, mostWithin, none, printTable } from '../../../harness/report.ts';
import { readCost } from '../judgement/process-cost.ts';
import { sizeFrom } from '../../../harness/size.ts';
import { oneListenPort, writeSleepers } from './sleepers.ts';
import { type Followed, followTruth, type Truth } from './truth.ts';

/** The promise of the product for a thousand sleepers. */
const limitMs = 5_000;
const limitWrites = 2;
const promised = 1_000;
const replicas = 3;

/** One change of the DLX's pods. */
interface Change {
  readonly name: string;
  readonly act: (system: EmbeddedSystem) => Promise<void> | void;
}

interface Outcome {
  readonly size: number;
  readonly change: string;
  readonly followed: Followed;
  readonly calls: Calls;
  /** The requests of the autoscaler. */
  readonly cpuMs: number;
  /** Slices that named a DLX when it stopped accepting connections. */
  readonly leftNamed: number;
}

const added: Change = { name: 'one added', act: (system) => scaleDlx(system, replicas + 1) };
const removed: Change = { name: 'one removed', act: (system) => scaleDlx(system, replicas) };
const killed: Change = {
  name: 'one killed, and back',
  act: (system) => killApp(system, processesOf(system, 'dlx')[0]?.pod ?? ''),
};
/** As the chart says it. */
const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } };
const rolledOut: Change = { name: 'rollout of 3', act: (system) => rollOut(system, 'dlx', strategy) };

/** The slices of many sleepers follow the DLX's pods: real DLX processes that come and go, and the real autoscaler. */
export async function mirror(): Promise<readonly Finding[]> {
  const many = sizeFrom('TRIALS_SLEEPERS', promised);
  const most = sizeFrom('TRIALS_SLEEPERS_MOST', 10_000);
  const outcomes = [
    ...(await follow(many, [added, removed, killed, rolledOut])),
    ...(await follow(most, [added, removed], ['--shutdown-timeout=2m'])),
  ];
  tell(outcomes);
  return outcomes.flatMap((outcome) => findingsOf(outcome));
}

async function follow(
  size: number,
  changes: readonly Change[],
  dlxArgs: readonly string[] = [],
): Promise<readonly Outcome[]> {
  await using system = await startEmbeddedSystem({
    dlxReplicas: replicas,
    settleMs: 5_000,
    dlxArgs,
    // The interval of bookmarks of the real API server.
    api: { bookmarkIntervalMs: 60_000 },
  });
  // The chart's, with probes that a busy machine can answer.
  const readinessProbe = { failureThreshold: 10, timeoutSeconds: 5 };
  await rollOut(system, 'dlx', strategy, { spec: { minReadySeconds: 5 }, container: { readinessProbe } });
  const truth = followTruth(system);
  await writeSleepers(system, size, truth.ready());
  const leavers = watchLeavers(system, truth, oneListenPort);
  await rest(truth);
  const outcomes: Outcome[] = [];
  for (const change of changes) {
    truth.begin();
    leavers.begin();
    const calls = countCalls(system.api);
    const { cpuMs } = await readCost(autoscalerPid(system));
    await change.act(system);
    await untilSettled(truth);
    await leavers.gone();
    outcomes.push({
      ...{ size, change: change.name, followed: truth.followed(), calls: calls() },
      cpuMs: (await readCost(autoscalerPid(system))).cpuMs - cpuMs,
      leftNamed: leavers.leftNamed(),
    });
    console.log(`  ${size} asleep: ${change.name}`);
  }
  return outcomes;
}

/** Waits until both apps have all the sleepers in their caches, and write nothing any more. */
async function rest(truth: Truth): Promise<void> {
  let before = Number.NaN;
  for (;;) {
    await sleep(6_000);
    const { writes } = truth.followed();
    if (writes === before && truth.isTrue()) return;
    before = writes;
  }
}

/** Waits until all slices are true, for so long that no change is under way any more. */
async function untilSettled(truth: Truth): Promise<void> {
  const calmMs = 8_000;
  let sinceMs = performance.now();
  const untilMs = sinceMs + 120_000;
  let changes = -1;
  while (performance.now() - sinceMs < calmMs && performance.now() < untilMs) {
    await sleep(50);
    const { changes: now } = truth.followed();
    if (!truth.isTrue() || now === 0 || now !== changes) sinceMs = performance.now();
    changes = now;
  }
}

function findingsOf({ size, change, followed, leftNamed }: Outcome): readonly Finding[] {
  const what = `${size} asleep, ${change}:`;
  const findings = [
    atMost(`${what} writes of one slice`, followed.mostWrites, limitWrites, ''),
    none(`${what} slices that named a DLX which did not accept any more`, leftNamed),
  ];
  if (size > promised) return findings;
  return [atMost(`${what} the longest that a slice was not true`, followed.longestUntrueMs, limitMs), ...findings];
}

function tell(outcomes: readonly Outcome[]): void {
  const head = ['asleep', 'DLX', 'changes', 'untrue ms', 'last true ms', 'writes', 'most of one', 'writing ms'];
  const rows = outcomes.map(({ size, change, followed, calls, cpuMs, leftNamed }) => [
    ...[size, change, followed.changes, Math.round(followed.longestUntrueMs), Math.round(followed.lastTrueMs)],
    ...[followed.writes, followed.mostWrites, calls.writingMs],
    ...[calls.mostWritesPerSecond, calls.all, calls.mostPerSecond, cpuMs, leftNamed],
  ]);
  const columns = ['writes/s', 'calls', 'calls/s', 'CPU ms', 'named when gone'];
  printTable([[...head, ...columns], ...rows]);
}

/** The requests of the autoscaler to the API. */
export interface Calls {
  readonly all: number;
  /** The number in the busiest second. */
  readonly mostPerSecond: number;
  readonly mostWritesPerSecond: number;
  /** From the first write of a slice to the last. */
  readonly writingMs: number;
}

/** Counts requests from now until the returned function is called. */
function countCalls({ audit }: FakeApi): () => Calls {
  const all: number[] = [];
  const writes: number[] = [];
  const stop = audit.onEntry(({ userAgent, verb, gvr, at }) => {
    if (!userAgent.includes('autoscaler') || verb === 'watch') return;
    all.push(at);
    if (gvr.endsWith('endpointslices') && ['create', 'update', 'delete'].includes(verb)) writes.push(at);
  });
  return () => {
    stop();
    return {
      all: all.length,
      mostPerSecond: mostWithin(all, 1_000),
      mostWritesPerSecond: mostWithin(writes, 1_000),
      writingMs: writes.length === 0 ? 0 : Math.max(...writes) - Math.min(...writes),
    };
  };
}

/** DLX pods that end: whether a slice still names one when it has stopped accepting connections. */
export interface Leavers {
  begin(): void;
  /** Resolves when all ending pods have stopped accepting connections. */
  gone(): Promise<void>;
  /** The most slices that named such a pod at that moment. */
  leftNamed(): number;
}

const lookEveryMs = 50;

interface Pod {
  readonly metadata: { readonly uid?: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly podIP?: string };
}

export function watchLeavers({ api: { store } }: EmbeddedSystem, truth: Truth, listenPort: number): Leavers {
  const leaving = new Map<string, Promise<void>>();
  let most = 0;
  const watch = async (address: string): Promise<void> => {
    while (await accepts(address, listenPort)) await sleep(lookEveryMs);
    most = Math.max(most, truth.naming(address));
  };
  store.watch(
    'v1/pods',
    ({ type, object }) => {
      const { metadata, status } = object as unknown as Pod;
      const { uid = '', deletionTimestamp } = metadata;
      if (type === 'DELETED' || deletionTimestamp === undefined || leaving.has(uid)) return;
      if (status?.podIP !== undefined) leaving.set(uid, watch(status.podIP));
    },
    { namespace: systemNamespace, labelSelector: 'app=dlx' },
  );
  return {
    begin: () => void (most = 0),
    gone: async () => void (await Promise.all(leaving.values())),
    leftNamed: () => most,
  };
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
