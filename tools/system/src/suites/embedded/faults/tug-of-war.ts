import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem, systemNamespace } from '@scaler/demo';
import { appsOf } from '../fleet/apps.ts';
import { all, atMost, type Finding, none } from '../../../harness/finding.ts';
import { createFleet, type Fleet, urlOf } from '../fleet/fleet.ts';
import { tableLines } from '../../../harness/table.ts';
import { startTraffic } from '../../../harness/traffic.ts';
import type { Mode, Workload } from '../fleet/workload.ts';
import { eventsOf } from './events.ts';
import { type Field, managerName, type Reconciler, startReconciler } from './reconciler.ts';

const windowMs = 500;
const writesEveryMs = 3_000;
/** 5 requests a second, over all workloads in turn: to each while it is awake, asleep, and in between. */
const requestsEveryMs = 200;
const answerLimitMs = 20_000;
const mostRounds = 3;
const giveUpMs = 90_000;
/** The product must give way for so long: five rounds of the other writer. */
const peaceMs = 5 * writesEveryMs;

interface Side {
  readonly field: Field;
  readonly counts: Readonly<Record<Mode, number>>;
}

const sides: readonly Side[] = [
  { field: 'replicas', counts: { selector: 6, overlay: 6, always: 0 } },
  { field: 'selector', counts: { selector: 8, overlay: 0, always: 4 } },
];

interface Fight extends Side {
  readonly fleet: Fleet;
  readonly reconciler: Reconciler;
}

/** A reconciler writes back what the product writes, every 3 s, and the metric says idle throughout. */
export async function tugOfWar(): Promise<readonly Finding[]> {
  const system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 50 }) },
    settleMs: 300,
    // Without a cooldown the product parks all of them all the time.
    scalerOptions: { apiQps: '1000' },
    autoscalerArgs: ['--scale-interval=200ms', '--cooldown=1ms', '--max-parks=32'],
  });
  const fights: Fight[] = [];
  try {
    for (const side of sides) {
      const fleet = await createFleet(system, { counts: side.counts, image: 'app', windowMs, namespace: side.field });
      fights.push({ ...side, fleet, reconciler: startReconciler(system, fleet.workloads, side.field, writesEveryMs) });
    }
    return await fight(system, fights);
  } finally {
    for (const { fleet, reconciler } of fights) {
      reconciler.stop();
      fleet.close();
    }
    await system.close();
  }
}

async function fight(system: EmbeddedSystem, fights: readonly Fight[]): Promise<readonly Finding[]> {
  const workloads = fights.flatMap(({ fleet }) => fleet.workloads);
  let next = 0;
  const url = (): string => urlOf(system, workloads[next++ % workloads.length] as Workload);
  const traffic = startTraffic({ url, everyMs: requestsEveryMs, limitMs: answerLimitMs, persistent: false });
  for (const workload of workloads) workload.idle = true;
  const beganMs = performance.now();
  const givenUp = (workload: Workload): boolean => contestedBy(system, workload).length > 0;
  await system.waitFor(() => workloads.every(givenUp), { timeoutMs: giveUpMs }).catch(() => undefined);
  console.log(`  all given up after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
  await sleep(1_000);
  const then = fights.map(({ reconciler }) => sum(reconciler.rounds));
  await sleep(peaceMs);
  const sent = await traffic.stop();
  const lost = sent.filter(({ answer: { ok } }) => !ok);
  for (const { answer } of lost.slice(0, 4)) console.log(`    ${answer.text}`);
  return [
    ...(await Promise.all(fights.map((one, i) => report(system, one, then[i] ?? 0)))).flat(),
    all('all counted by the metric under the name of the writer', await metricOf(system), workloads.length),
    none(`of ${sent.length} requests not served`, lost.length),
  ];
}

const sum = (rounds: ReadonlyMap<string, number>): number =>
  [...rounds.values()].reduce((total, one) => total + one, 0);

const contestedBy = (system: EmbeddedSystem, { namespace, name }: Workload): readonly string[] =>
  eventsOf(system, namespace, name, 'Contested').filter((message) => message.includes(managerName));

async function metricOf(system: EmbeddedSystem): Promise<number> {
  const leader = appsOf(system).leader() ?? '';
  const { status } = system.api.store.get('v1/pods', systemNamespace, leader) as { status?: { podIP?: string } };
  const text = await (await fetch(`http://${status?.podIP}:8081/metrics`)).text();
  const found = new RegExp(`^scaler_contested_resources\\{writer="${managerName}"\\} (\\d+)`, 'm').exec(text);
  return Number(found?.[1] ?? 0);
}

async function explanationOf(system: EmbeddedSystem, { namespace, name }: Workload): Promise<string> {
  const response = await fetch(`${system.adminUrl()}/autoscaler/resources/${namespace}/${name}/decisions`);
  return ((await response.json()) as { explanation?: string }).explanation ?? '';
}

async function report(
  system: EmbeddedSystem,
  { field, fleet: { workloads }, reconciler }: Fight,
  roundsThen: number,
): Promise<readonly Finding[]> {
  const explanations = await Promise.all(workloads.map((workload) => explanationOf(system, workload)));
  const roundsOf = ({ name }: Workload): number => reconciler.rounds.get(name) ?? 0;
  const rows = workloads.map((one) => [one.name, roundsOf(one), one.parks, one.sleeps, one.phase]);
  for (const line of tableLines([[`${field} written back`, 'rounds', 'parks', 'sleeps', 'now'], ...rows]))
    console.log(line);
  const most = Math.max(...workloads.map(roundsOf));
  const count = (is: (workload: Workload, i: number) => boolean): number => workloads.filter(is).length;
  return [
    atMost(`${field} written back by ${managerName}: rounds, at the most`, most, mostRounds, 'rounds'),
    none(`  rounds in the ${peaceMs / 1000} s after it was given up`, sum(reconciler.rounds) - roundsThen),
    all(
      '  an Event names the writer',
      count((one) => contestedBy(system, one).length > 0),
      workloads.length,
    ),
    all(
      '  the autoscaler explains it with his name',
      count((_, i) => explanations[i]?.includes(managerName) === true),
      workloads.length,
    ),
    all(
      '  awake at the end',
      count(({ phase, replicas }) => phase === 'awake' && replicas === 1),
      workloads.length,
    ),
  ];
}
