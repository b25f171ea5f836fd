import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage, type Image } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { percentile } from '../../../harness/percentiles.ts';
import { type Answer, ask } from '../../../harness/ask.ts';
import { all, atMost, type Finding, none } from '../../../harness/finding.ts';
import { createFleet, fleetNamespace, urlOf } from '../fleet/fleet.ts';
import { tableLines } from '../../../harness/table.ts';
import type { Workload } from '../fleet/workload.ts';
import { type Cause, watchForCause } from './pod-causes.ts';
import { putToSleep } from './sleepers.ts';

const windowMs = 500;
/** From the pod's status to the answer. */
const limitMs = 2_000;
const everyMs = 200;
/** Requests keep coming for so long after the first answer. */
const afterMs = 3_000;
const askTimeoutMs = 30_000;
const counts = { selector: 1, overlay: 1, always: 1 };

/** Breaks the next start; `mend` is its opposite. */
interface Break {
  readonly name: string;
  readonly cause: Cause;
  readonly answer: RegExp;
  readonly apply: (system: EmbeddedSystem, good: Image) => void;
  readonly mend: (system: EmbeddedSystem, good: Image) => void;
}

const crashing: Image = { start: () => Promise.reject(new Error('no database')) };

const breaks: readonly Break[] = [
  {
    name: 'image pull',
    cause: 'ImagePull',
    answer: /(ErrImagePull|ImagePullBackOff): Its image cannot be pulled/,
    apply: ({ images }) => void delete images['app'],
    mend: ({ images }, good) => void (images['app'] = good),
  },
  {
    name: 'crash loop',
    cause: 'CrashLoop',
    answer: /CrashLoopBackOff: Its container ends again and again/,
    apply: ({ images }) => void (images['app'] = crashing),
    mend: ({ images }, good) => void (images['app'] = good),
  },
  {
    name: 'unschedulable',
    cause: 'Unschedulable',
    answer: /Unschedulable: No node can take its pod/,
    apply: ({ node }) => node.cordon(),
    mend: ({ node }) => node.uncordon(),
  },
];

/**
 * Requests held for a start that cannot succeed are answered with the cause, once the pod's status has it; where no
 * node may be added.
 */
export async function hopeless(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  await withSleepers({ unschedulableAfter: '500ms' }, async (system, workloads, good) => {
    const results = await inTurn(breaks, (one) => refuse(system, good, workloads, one));
    findings.push(...report(results));
  });
  await withSleepers({}, async (system, workloads) => {
    findings.push(...(await waitForNode(system, workloads)));
  });
  return findings;
}

async function withSleepers(
  scalerOptions: Record<string, string>,
  work: (system: EmbeddedSystem, workloads: readonly Workload[], good: Image) => Promise<void>,
): Promise<void> {
  const good = createEchoImage({ startDelayMs: 15 });
  const system = await startEmbeddedSystem({
    images: { app: good },
    settleMs: 300,
    backOffMs: 1_000,
    scalerOptions,
    // By default an answer names its outcome alone.
    dlxArgs: ['--problem-details=full'],
    autoscalerArgs: ['--scale-interval=200ms', '--cooldown=1ms'],
  });
  try {
    const fleet = await createFleet(system, { counts, image: 'app', windowMs });
    await work(system, fleet.workloads, good);
    fleet.close();
  } finally {
    await system.close();
  }
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
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

async function refuse(
  system: EmbeddedSystem,
  good: Image,
  workloads: readonly Workload[],
  one: Break,
): Promise<Refused> {
  await putToSleep(system, workloads);
  one.apply(system, good);
  const each = await Promise.all(workloads.map((workload) => askWhileBroken(system, workload, one)));
  one.mend(system, good);
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
  const said = watchForCause(system.api, fleetNamespace, workload.name, cause);
  const sent: Promise<{ answer: Answer; endedMs: number }>[] = [];
  const send = (): void => {
    const answered = ask(urlOf(system, workload), { timeoutMs: askTimeoutMs });
    sent.push(answered.then((answer) => ({ answer, endedMs: performance.now() })));
  };
  const timer = setInterval(send, everyMs);
  send();
  await sent[0];
  await sleep(afterMs);
  clearInterval(timer);
  const ended = await Promise.all(sent);
  said.stop();
  const saidMs = said.atMs ?? Number.NaN;
  const held = ended.filter(({ answer }) => answer.sentMs <= saidMs);
  const later = ended.filter(({ answer }) => !(answer.sentMs <= saidMs));
  return {
    heldMs: held.map(({ endedMs }) => endedMs - saidMs),
    laterMs: later.map(({ answer, endedMs }) => endedMs - answer.sentMs),
    wrong: ended.flatMap(({ answer: { status, text } }) => (status === 503 && expected.test(text) ? [] : [text])),
  };
}

/** `performance.now()` when the first request was served. */
async function untilServed(system: EmbeddedSystem, workload: Workload): Promise<number> {
  const untilMs = performance.now() + 60_000;
  while (performance.now() < untilMs) {
    const { ok } = await ask(urlOf(system, workload), { timeoutMs: askTimeoutMs });
    if (ok) return performance.now();
    await sleep(everyMs);
  }
  return Number.NaN;
}

/**
 * A cluster that adds nodes on demand: there each wake begins without a node for the pod. No request is refused at once;
 * the admin API gives the cause, and so does the answer to a request whose hold has reached its limit.
 */
async function waitForNode(system: EmbeddedSystem, workloads: readonly Workload[]): Promise<readonly Finding[]> {
  await putToSleep(system, workloads);
  const [first, second] = workloads as [Workload, Workload];
  const holdFor = { metadata: { annotations: { 'scaler/hold-timeout': '4s' } } };
  system.api.store.patch('apps/v1/deployments', fleetNamespace, second.name, { type: 'merge', body: holdFor });
  system.node.cordon();
  const said = watchForCause(system.api, fleetNamespace, first.name, 'Unschedulable');
  const held = Array.from({ length: 10 }, () => ask(urlOf(system, first), { timeoutMs: askTimeoutMs }));
  const outlasted = ask(urlOf(system, second), { timeoutMs: askTimeoutMs });
  const explainedMs = await untilExplained(system, first, /^Unschedulable: No node can take its pod/);
  const { text } = await outlasted;
  system.node.uncordon();
  const answers = await Promise.all(held);
  said.stop();
  return [
    atMost(
      'a node may be on its way: the status of its pod has the cause → the admin API has it',
      explainedMs - (said.atMs ?? NaN),
      limitMs,
    ),
    all('  held until the node was there, then served', answers.filter(({ ok }) => ok).length, held.length),
    all(
      '  held for as long as its workload allows, then answered with the cause',
      Number(/Unschedulable/.test(text)),
      1,
    ),
  ];
}

/** `performance.now()` when the DLX's admin API first gave this cause. */
async function untilExplained(system: EmbeddedSystem, { namespace, name }: Workload, text: RegExp): Promise<number> {
  const untilMs = performance.now() + 10_000;
  while (performance.now() < untilMs) {
    const response = await fetch(`${system.adminUrl()}/resources/${namespace}/${name}`);
    const { hindrance } = (await response.json()) as { hindrance?: string | null };
    if (text.test(hindrance ?? '')) return performance.now();
    await sleep(50);
  }
  return Number.NaN;
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
  for (const line of tableLines([[...head, 'served after it was mended'], ...rows])) console.log(line);
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
