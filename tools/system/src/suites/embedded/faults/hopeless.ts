import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage, type FakeApi, type Image, type KubeObject } from '@scaler/testing-kit/kubernetes';
import { until } from '@scaler/command';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { all, atMost, each, type Finding, none, percentile, printTable } from '../../../harness/report.ts';
import { ask, startTraffic } from '../../../harness/requests.ts';
import { createFleet, type Fleet, fleetNamespace, putToSleep, urlOf } from '../fleet/fleet.ts';
import type { Workload } from '../fleet/workload.ts';

const windowMs = 500;
/** From the pod's status to the answer. */
const limitMs = 2_000;
const everyMs = 200;
/** Requests keep coming for so long after the first answer. */
const afterMs = 3_000;
const askTimeoutMs = 30_000;
const counts = { selector: 1, overlay: 1, always: 1 };

/** Breaks the next start. */
interface Break {
  readonly name: string;
  readonly cause: Cause;
  readonly answer: RegExp;
  readonly apply: (system: EmbeddedSystem) => void;
}

const good = createEchoImage({ startDelayMs: 15 });
const crashing: Image = { start: () => Promise.reject(new Error('no database')) };

const breaks: readonly Break[] = [
  {
    name: 'image pull',
    cause: 'ImagePull',
    answer: /(ErrImagePull|ImagePullBackOff): Its image cannot be pulled/,
    apply: ({ images }) => void delete images['app'],
  },
  {
    name: 'crash loop',
    cause: 'CrashLoop',
    answer: /CrashLoopBackOff: Its container ends again and again/,
    apply: ({ images }) => void (images['app'] = crashing),
  },
  {
    name: 'unschedulable',
    cause: 'Unschedulable',
    answer: /Unschedulable: No node can take its pod/,
    apply: ({ node }) => node.cordon(),
  },
];

function mend({ images, node }: EmbeddedSystem): void {
  images['app'] = good;
  node.uncordon();
}

/**
 * Requests held for a start that cannot succeed are answered with the cause, once the pod's status has it; where no
 * node may be added.
 */
export async function hopeless(): Promise<readonly Finding[]> {
  return [...(await refuseAll()), ...(await waitForNode())];
}

function start(scalerOptions: Record<string, string>): Promise<EmbeddedSystem> {
  return startEmbeddedSystem({
    images: { app: good },
    settleMs: 300,
    backOffMs: 1_000,
    scalerOptions,
    // By default an answer names its outcome alone.
    dlxArgs: ['--problem-details=full'],
    autoscalerArgs: ['--scale-interval=200ms', '--cooldown=1ms'],
  });
}

async function refuseAll(): Promise<readonly Finding[]> {
  await using system = await start({ unschedulableAfter: '500ms' });
  const fleet = await createFleet(system, { counts, windowMs });
  const results: Refused[] = [];
  for (const one of breaks) results.push(await refuse(fleet, one));
  return report(results);
}

interface Refused {
  readonly one: Break;
  /** Requests that were held when the pod's status had the cause: from then to their answer. */
  readonly heldMs: readonly number[];
  /** Requests that came later: from when they were sent to their answer. */
  readonly laterMs: readonly number[];
  /** Answers without the cause. */
  readonly wrong: readonly string[];
  /** The longest time from the repair until a request was served. */
  readonly mendedMs: number;
}

async function refuse({ system, workloads }: Fleet, one: Break): Promise<Refused> {
  await putToSleep(system, workloads);
  one.apply(system);
  const each = await Promise.all(workloads.map((workload) => askWhileBroken(system, workload, one)));
  mend(system);
  const mendedMs = performance.now();
  const served = await Promise.all(workloads.map((workload) => untilServed(system, workload)));
  return {
    one,
    heldMs: each.flatMap(({ heldMs }) => heldMs),
    laterMs: each.flatMap(({ laterMs }) => laterMs),
    wrong: each.flatMap(({ wrong }) => wrong),
    mendedMs: Math.max(...served) - mendedMs,
  };
}

/**
 * Sends requests at a steady rate, from the one that wakes the workload until some time after the first answer with the
 * cause.
 */
async function askWhileBroken(
  system: EmbeddedSystem,
  workload: Workload,
  { cause, answer: expected }: Break,
): Promise<Pick<Refused, 'heldMs' | 'laterMs' | 'wrong'>> {
  const causeMs = watchForCause(system.api, fleetNamespace, workload.name, cause);
  const url = (): string => urlOf(system, workload);
  const traffic = startTraffic({ url, everyMs, limitMs: askTimeoutMs, persistent: false });
  await traffic.first;
  await sleep(afterMs);
  const sent = await traffic.stop();
  const ended = sent.map(({ answer, tookMs }) => ({ answer, endedMs: answer.sentMs + tookMs }));
  const saidMs = causeMs() ?? Number.NaN;
  const held = ended.filter(({ answer }) => answer.sentMs <= saidMs);
  const later = ended.filter(({ answer }) => !(answer.sentMs <= saidMs));
  return {
    heldMs: held.map(({ endedMs }) => endedMs - saidMs),
    laterMs: later.map(({ answer, endedMs }) => endedMs - answer.sentMs),
    wrong: ended.flatMap(({ answer: { status, text } }) => (status === 503 && expected.test(text) ? [] : [text])),
  };
}

/** `performance.now()` when the first request was served. */
function untilServed(system: EmbeddedSystem, workload: Workload): Promise<number> {
  return until('a request to be served', 60_000, async () => {
    const { ok } = await ask(urlOf(system, workload), { timeoutMs: askTimeoutMs });
    return ok ? performance.now() : undefined;
  }).catch(() => Number.NaN);
}

/**
 * A cluster that adds nodes on demand: there each wake begins without a node for the pod. No request is refused at once;
 * the admin API gives the cause, and so does the answer to a request whose hold has reached its limit.
 */
async function waitForNode(): Promise<readonly Finding[]> {
  await using system = await start({});
  const { workloads } = await createFleet(system, { counts, windowMs });
  await putToSleep(system, workloads);
  const [first, second] = workloads as [Workload, Workload];
  const holdFor = { metadata: { annotations: { 'scaler/hold-timeout': '4s' } } };
  system.api.store.patch('apps/v1/deployments', fleetNamespace, second.name, { type: 'merge', body: holdFor });
  system.node.cordon();
  const causeMs = watchForCause(system.api, fleetNamespace, first.name, 'Unschedulable');
  const held = Array.from({ length: 10 }, () => ask(urlOf(system, first), { timeoutMs: askTimeoutMs }));
  const outlasted = ask(urlOf(system, second), { timeoutMs: askTimeoutMs });
  const explainedMs = await untilExplained(system, first, /^Unschedulable: No node can take its pod/);
  const { text } = await outlasted;
  system.node.uncordon();
  const answers = await Promise.all(held);
  return [
    atMost(
      'a node may be on its way: the status of its pod has the cause → the admin API has it',
      explainedMs - (causeMs() ?? NaN),
      limitMs,
    ),
    each('  held until the node was there, then served', answers, ({ ok }) => ok),
    all(
      '  held for as long as its workload allows, then answered with the cause',
      Number(/Unschedulable/.test(text)),
      1,
    ),
  ];
}

/** `performance.now()` when the DLX's admin API first gave this cause. */
function untilExplained(system: EmbeddedSystem, { namespace, name }: Workload, text: RegExp): Promise<number> {
  return until('the cause', 10_000, async () => {
    const response = await fetch(`${system.adminUrl()}/resources/${namespace}/${name}`);
    const { hindrance } = (await response.json()) as { hindrance?: string | null };
    return text.test(hindrance ?? '') ? performance.now() : undefined;
  }).catch(() => Number.NaN);
}

function report(results: readonly Refused[]): readonly Finding[] {
  const span = (values: readonly number[]): (string | number)[] => [
    values.length,
    Math.round(percentile(values, 0.5)),
    Math.round(Math.max(...values)),
  ];
  const rows = results.map(({ one, heldMs, laterMs, wrong, mendedMs }) => [
    ...[one.name, ...span(heldMs), ...span(laterMs), wrong.length, Math.round(mendedMs)],
  ]);
  const head = ['milliseconds', 'held', 'p50 from its status', 'longest', 'later', 'p50', 'longest', 'other answers'];
  printTable([[...head, 'served after it was mended'], ...rows]);
  for (const { wrong } of results) for (const text of wrong.slice(0, 3)) console.log(`    ${text}`);
  return results.flatMap(({ one, heldMs, laterMs, wrong, mendedMs }) => [
    atMost(
      `${one.name}: the status of its pod has the cause → each held request is answered`,
      Math.max(...heldMs),
      limitMs,
    ),
    atMost('  sent later → answered', Math.max(...laterMs), limitMs),
    none('  answered with anything but the cause', wrong.length),
    atMost('  mended → served, without any other action', mendedMs, 15_000),
  ]);
}

/** A cause in a pod's status. `CrashLoop`: its container has ended three times. */
type Cause = 'ImagePull' | 'CrashLoop' | 'Unschedulable';

interface PodStatus {
  readonly conditions?: readonly { type: string; status: string; reason?: string }[];
  readonly containerStatuses?: readonly {
    restartCount: number;
    state?: { waiting?: { reason?: string } };
  }[];
}

const signs: Readonly<Record<Cause, (status: PodStatus) => boolean>> = {
  ImagePull: ({ containerStatuses = [] }) =>
    containerStatuses.some(({ state }) => /^(ErrImagePull|ImagePullBackOff)$/.test(state?.waiting?.reason ?? '')),
  CrashLoop: ({ containerStatuses = [] }) =>
    containerStatuses.some(
      ({ restartCount, state }) => restartCount >= 2 && state?.waiting?.reason === 'CrashLoopBackOff',
    ),
  Unschedulable: ({ conditions = [] }) =>
    conditions.some(
      ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
    ),
};

/** Returns when a pod of a workload first had the cause in its status since the call; `performance.now()`. */
function watchForCause({ store }: FakeApi, namespace: string, app: string, cause: Cause): () => number | undefined {
  let atMs: number | undefined;
  const look = ({ object }: { object: KubeObject }): void => {
    const { status = {} } = object as { status?: PodStatus };
    if (object.metadata.labels?.['app'] === app && signs[cause](status)) atMs ??= performance.now();
  };
  store.watch('v1/pods', look, { namespace });
  return () => atMs;
}
