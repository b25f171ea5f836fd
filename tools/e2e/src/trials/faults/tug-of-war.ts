import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { createEchoImage } from '@scaler/testing-kit';
import { appsOf } from '../apps.ts';
import { all, atMost, type Finding, none } from '../finding.ts';
import { createFleet, urlOf } from '../fleet.ts';
import { say } from '../say.ts';
import { tableLines } from '../table.ts';
import { startTraffic } from '../traffic.ts';
import type { Mode, Workload } from '../workload.ts';
import { eventsOf } from './events.ts';
import { type Field, managerName, type Reconciler, startReconciler } from './reconciler.ts';

const windowMs = 500;
const writesEveryMs = 3_000;
/** 5 a second, over all workloads in turn: to each while it is awake, asleep, and in between. */
const requestsEveryMs = 200;
const answerLimitMs = 20_000;
const mostRounds = 3;
const giveUpMs = 90_000;
/** Rounds of the other writer through which it must stay given up. */
const peaceMs = 5 * writesEveryMs;

interface Side {
  readonly field: Field;
  readonly counts: Readonly<Record<Mode, number>>;
}

const sides: readonly Side[] = [
  { field: 'replicas', counts: { selector: 6, overlay: 6, always: 0 } },
  { field: 'selector', counts: { selector: 8, overlay: 0, always: 4 } },
];

/** A reconciler writes back what we write, every 3 s, and the metric says idle throughout. */
export async function tugOfWar(): Promise<readonly Finding[]> {
  const system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 50 }) },
    settleMs: 300,
    autoscalerArgs: ['--scale-interval=200ms', '--cooldown=1ms', '--max-parks=16'],
  });
  try {
    const findings: Finding[] = [];
    for (const side of sides) findings.push(...(await fight(system, side)));
    return findings;
  } finally {
    await system.close();
  }
}

async function fight(system: EmbeddedSystem, { field, counts }: Side): Promise<readonly Finding[]> {
  const fleet = await createFleet(system, { counts, image: 'app', windowMs, namespace: field });
  const { workloads } = fleet;
  let next = 0;
  const url = (): string => urlOf(system, workloads[next++ % workloads.length] as Workload);
  const traffic = startTraffic({ url, everyMs: requestsEveryMs, limitMs: answerLimitMs, persistent: false });
  const rival = startReconciler(system, workloads, field, writesEveryMs);
  for (const workload of workloads) workload.idle = true;
  const givenUp = (workload: Workload): boolean => contestedBy(system, workload).length > 0;
  const beganMs = performance.now();
  await system.waitFor(() => workloads.every(givenUp), { timeoutMs: giveUpMs }).catch(() => undefined);
  const tookMs = performance.now() - beganMs;
  await sleep(1_000);
  const then = sum(rival.rounds);
  await sleep(peaceMs);
  const sent = await traffic.stop();
  const told = await whatIsTold(system, workloads);
  rival.stop();
  fleet.close();
  for (const { answer } of sent.filter(({ answer: { ok } }) => !ok).slice(0, 4)) say(`    ${answer.text}`);
  const outcome = { field, tookMs, later: sum(rival.rounds) - then, sent: sent.length, ...told };
  return report(workloads, rival, { ...outcome, lost: sent.filter(({ answer: { ok } }) => !ok).length });
}

const sum = (rounds: ReadonlyMap<string, number>): number =>
  [...rounds.values()].reduce((total, one) => total + one, 0);

const contestedBy = (system: EmbeddedSystem, { namespace, name }: Workload): readonly string[] =>
  eventsOf(system, namespace, name, 'Contested').filter((message) => message.includes(managerName));

interface Told {
  /** How many name the writer: in an Event, in the autoscaler's explanation; and as its metric counts. */
  readonly events: number;
  readonly explained: number;
  readonly metric: number;
}

async function whatIsTold(system: EmbeddedSystem, workloads: readonly Workload[]): Promise<Told> {
  const explanations = await Promise.all(
    workloads.map(async ({ namespace, name }) => {
      const response = await fetch(`${system.adminUrl()}/autoscaler/resources/${namespace}/${name}/decisions`);
      return ((await response.json()) as { explanation?: string }).explanation ?? '';
    }),
  );
  return {
    events: workloads.filter((workload) => contestedBy(system, workload).length > 0).length,
    explained: explanations.filter((text) => text.includes(managerName)).length,
    metric: await metricOf(system),
  };
}

async function metricOf(system: EmbeddedSystem): Promise<number> {
  const leader = appsOf(system).leader() ?? '';
  const { status } = system.api.store.get('v1/pods', systemNamespace, leader) as { status?: { podIP?: string } };
  const text = await (await fetch(`http://${status?.podIP}:8081/metrics`)).text();
  const found = new RegExp(`^scaler_contested_resources\\{writer="${managerName}"\\} (\\d+)`, 'm').exec(
    text,
  );
  return Number(found?.[1] ?? 0);
}

interface Outcome extends Told {
  readonly field: Field;
  readonly tookMs: number;
  /** Rounds after it had been given up. */
  readonly later: number;
  readonly sent: number;
  readonly lost: number;
}

function report(workloads: readonly Workload[], { rounds }: Reconciler, outcome: Outcome): readonly Finding[] {
  const { field, tookMs, later, sent, lost, events, explained, metric } = outcome;
  const rows = workloads.map((workload) => [
    ...[workload.name, rounds.get(workload.name) ?? 0, workload.parks, workload.sleeps, workload.phase],
  ]);
  for (const line of tableLines([[`${field} written back`, 'rounds', 'parks', 'sleeps', 'now'], ...rows])) say(line);
  say(`  all given up after ${(tookMs / 1000).toFixed(1)} s`);
  const count = workloads.length;
  return [
    atMost(
      `${field} written back by ${managerName}: rounds, at the most`,
      Math.max(...workloads.map(({ name }) => rounds.get(name) ?? 0)),
      mostRounds,
      'rounds',
    ),
    none(`  rounds in the ${peaceMs / 1000} s after it was given up`, later),
    all('  backed off, with an Event that names the writer', events, count),
    all('  explained by the autoscaler, with its name', explained, count),
    all('  counted under its name by the metric', metric, count),
    all(
      '  awake at the end',
      workloads.filter(({ phase, replicas }) => phase === 'awake' && replicas === 1).length,
      count,
    ),
    none(`  of ${sent} requests not served`, lost),
  ];
}
