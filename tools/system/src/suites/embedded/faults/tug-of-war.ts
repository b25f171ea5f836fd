import { setTimeout as sleep } from 'node:timers/promises';
import { createEchoImage } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, startEmbeddedSystem } from '@scaler/demo';
import { leaderOf, metricsOf } from '../fleet/apps.ts';
import { all, atMost, each, type Finding, none, printTable, seconds, sum } from '../../../harness/report.ts';
import { createFleet, type Fleet, urlOf } from '../fleet/fleet.ts';
import { startTraffic } from '../../../harness/requests.ts';
import type { Mode, Workload } from '../fleet/workload.ts';
import { eventsOf } from '../fleet/events.ts';

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
  await using system = await startEmbeddedSystem({
    images: { app: createEchoImage({ startDelayMs: 50 }) },
    settleMs: 300,
    // Without a cooldown the product parks all of them all the time.
    scalerOptions: { apiQps: '1000' },
    autoscalerArgs: ['--scale-interval=200ms', '--cooldown=1ms', '--max-parks=32'],
  });
  using reconcilers = new DisposableStack();
  const fights: Fight[] = [];
  for (const side of sides) {
    const fleet = await createFleet(system, { counts: side.counts, windowMs, namespace: side.field });
    const reconciler = reconcilers.use(startReconciler(system, fleet.workloads, side.field));
    fights.push({ ...side, fleet, reconciler });
  }
  return await fight(system, fights);
}

async function fight(system: EmbeddedSystem, fights: readonly Fight[]): Promise<readonly Finding[]> {
  const workloads = fights.flatMap(({ fleet }) => fleet.workloads);
  let next = 0;
  const url = (): string => urlOf(system, workloads[next++ % workloads.length] as Workload);
  const traffic = startTraffic({ url, everyMs: requestsEveryMs, limitMs: answerLimitMs, persistent: false });
  for (const workload of workloads) workload.idle = true;
  const beganMs = performance.now();
  await system
    .waitFor(() => workloads.every((one) => isContested(system, one)), { timeoutMs: giveUpMs })
    .catch(() => undefined);
  console.log(`  all given up after ${seconds(performance.now() - beganMs)}`);
  await sleep(1_000);
  const then = fights.map(({ reconciler }) => inAll(reconciler));
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

const inAll = ({ rounds }: Reconciler): number => sum(rounds.values(), (count) => count);

const isContested = ({ api }: EmbeddedSystem, { namespace, name }: Workload): boolean =>
  eventsOf(api, namespace, 'Contested').some((event) => event.name === name && event.message.includes(managerName));

async function metricOf(system: EmbeddedSystem): Promise<number> {
  const text = await metricsOf(system, leaderOf(system) ?? '');
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
  printTable([[`${field} written back`, 'rounds', 'parks', 'sleeps', 'now'], ...rows]);
  const most = Math.max(...workloads.map(roundsOf));
  return [
    atMost(`${field} written back by ${managerName}: rounds, at the most`, most, mostRounds, 'rounds'),
    none(`  rounds in the ${peaceMs / 1000} s after it was given up`, inAll(reconciler) - roundsThen),
    each('  an Event names the writer', workloads, (one) => isContested(system, one)),
    each('  the autoscaler explains it with his name', explanations, (text) => text.includes(managerName)),
    each('  awake at the end', workloads, ({ phase, replicas }) => phase === 'awake' && replicas === 1),
  ];
}

const managerName = 'argocd-controller';

/** The field that it has in Git, and writes back. */
type Field = 'replicas' | 'selector';

/** A client that writes back the state in Git whenever an object differs from it. */
interface Reconciler extends Disposable {
  /** How often it wrote back, by workload name. */
  readonly rounds: ReadonlyMap<string, number>;
}

interface Spec {
  readonly spec?: { readonly replicas?: number; readonly selector?: Readonly<Record<string, string>> };
}

function startReconciler({ api: { store } }: EmbeddedSystem, workloads: readonly Workload[], field: Field): Reconciler {
  const rounds = new Map<string, number>();
  const syncOne = (workload: Workload): void => {
    const { namespace, name } = workload;
    const gvr = field === 'replicas' ? 'apps/v1/deployments' : 'v1/services';
    const body = field === 'replicas' ? { replicas: 1 } : { selector: { app: name, 'scaler/asleep': null } };
    const { spec } = store.get(gvr, namespace, name) as Spec;
    const differs = field === 'replicas' ? spec?.replicas !== 1 : spec?.selector?.['scaler/asleep'] !== undefined;
    if (!differs) return;
    rounds.set(name, (rounds.get(name) ?? 0) + 1);
    workload.journal.note(`${managerName}: ${field} written back`);
    store.patch(gvr, namespace, name, { type: 'merge', body: { spec: body } }, { manager: managerName });
  };
  const timer = setInterval(() => workloads.forEach(syncOne), writesEveryMs);
  return { rounds, [Symbol.dispose]: () => clearInterval(timer) };
}
