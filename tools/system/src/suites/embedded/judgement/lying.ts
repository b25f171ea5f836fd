import { createEchoImage, type EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { type Answer, ask } from '../../../harness/requests.ts';
import { type Finding, none, printTable, sum } from '../../../harness/report.ts';
import { createRandom } from '@scaler/chaos';
import { sizeFrom } from '../../../harness/size.ts';
import { createManaged } from '../fleet/fleet.ts';
import { followPhases, type PhaseChange } from './phases.ts';
import { type Product, startProduct } from './product.ts';
import { createSimulation, type Simulation } from './simulation.ts';

const namespace = 'lying';
const lastsMs = 3_600_000;
const everyMs = 1_000;
/** By the default cooldown of 1m, doubled each time: after 1, 2, 4, 8, 16 and 32 minutes. */
const mostTries = 6;

/** A workload with requests all the time, whose metric says idle. */
interface Liar {
  readonly name: string;
  /** The source that has the true count. */
  readonly against: string;
  readonly routing: 'selector' | 'overlay' | 'always';
  readonly annotations: Readonly<Record<string, string>>;
}

const liars = (nowMs: number): readonly Liar[] => [
  { name: 'alone', against: 'nothing', routing: 'selector', annotations: {} },
  { name: 'alone-overlay', against: 'nothing', routing: 'overlay', annotations: {} },
  {
    name: 'leased',
    against: 'a busy lease',
    routing: 'selector',
    annotations: { 'scaler/busy-until': new Date(nowMs + 2 * lastsMs).toISOString() },
  },
  { name: 'vetoed', against: 'a veto', routing: 'selector', annotations: { 'scaler/veto': 'gate:80/may-sleep' } },
  { name: 'counted', against: 'the DLX, in always', routing: 'always', annotations: {} },
];

/** An hour in which every source says idle, and every workload gets a request a second over a new connection. */
export async function lying(): Promise<readonly Finding[]> {
  const seed = sizeFrom('TRIALS_SEED', 1);
  const simulation = createSimulation(seed);
  await using product = await startProduct(simulation, {
    images: { app: createEchoImage(), gate: createEchoImage({ statusCode: 409 }) },
  });
  const all = liars(simulation.clock.now());
  const changes = followPhases(product.cluster.api, namespace, simulation.clock);
  await create(simulation, product.cluster, all);
  const fromMs = simulation.clock.monotonic();
  const sent = await callAll(simulation, product.cluster, all, seed);
  console.log(`  seed ${seed}; an hour, ${all.length} workloads, a request a second to each, every metric says 0`);
  return report(all, sent, changes, fromMs, product);
}

async function create(simulation: Simulation, cluster: EmbeddedCluster, all: readonly Liar[]): Promise<void> {
  const { settled } = simulation;
  await settled(cluster.deployment(namespace, 'gate', { image: 'gate', port: 8080 }));
  await settled(cluster.service(namespace, 'gate', { port: 80, targetPort: 8080 }));
  for (const { name, routing, annotations } of all) {
    cluster.api.metrics.set({ namespace, resource: 'deployments.apps', name, metric: 'requests_per_1m', value: '0' });
    const own = { 'scaler/routing': routing, 'scaler/metrics': 'requests_per_1m<=0', ...annotations };
    const more = routing === 'overlay' ? { preStopSeconds: 2 } : {};
    await settled(createManaged(cluster, { namespace, name }, own, more));
  }
  const served = (): boolean => all.every(({ name }) => cluster.proxy.backends(namespace, name, 80).length > 0);
  await simulation.until('every workload is served', served, 10_000);
}

/** Each workload gets its request at a moment of its own within the second. */
async function callAll(
  simulation: Simulation,
  cluster: EmbeddedCluster,
  all: readonly Liar[],
  seed: number,
): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const random = createRandom(seed).next;
  const asked = new Map<string, Promise<Answer>[]>(all.map(({ name }) => [name, []]));
  const stop = new AbortController();
  for (const { name } of all) {
    const call = (): void => {
      if (stop.signal.aborted) return;
      asked.get(name)?.push(ask(cluster.serviceUrl(namespace, name, 80), { timeoutMs: 60_000 }));
      simulation.clock.after(everyMs, call);
    };
    simulation.clock.after(random() * everyMs, call);
  }
  await simulation.run(lastsMs);
  stop.abort();
  // A request that is held at the end of the hour is answered a little later.
  await simulation.run(60_000);
  const answers = new Map<string, readonly Answer[]>();
  for (const [name, promises] of asked) answers.set(name, await simulation.settled(Promise.all(promises)));
  return answers;
}

function report(
  all: readonly Liar[],
  sent: ReadonlyMap<string, readonly Answer[]>,
  changes: readonly PhaseChange[],
  fromMs: number,
  { cluster, log }: Product,
): Finding[] {
  const minutes = (ms: number): string => (ms / 60_000).toFixed(1);
  const rows = all.map((liar) => {
    const answers = sent.get(liar.name) ?? [];
    const own = changes.filter(({ name, atMs }) => name === liar.name && atMs > fromMs);
    const tries = own.filter(({ phase }) => phase === 'parking').map(({ atMs }) => atMs - fromMs);
    const slept = own.filter(({ phase }) => phase === 'asleep').length;
    return { liar, answers, tries, slept, lost: answers.filter(({ ok }) => !ok) };
  });
  const table = rows.map(({ liar: { name, against, routing }, answers, tries, slept, lost }) => [
    ...[name, routing, against, answers.length, lost.length, tries.length, slept],
    tries.map(minutes).join(' '),
  ]);
  const head = [
    'workload',
    'routing',
    'against the lie',
    'requests',
    'lost',
    'parks begun',
    'asleep',
    'begun after minutes',
  ];
  printTable([head, ...table]);
  for (const { liar, lost } of rows) for (const { text } of lost.slice(0, 5)) console.log(`  ${liar.name}: ${text}`);
  const lost = sum(rows, (row) => row.lost.length);
  if (lost > 0 || cluster.problems.length > 0)
    for (const line of log.slice(-30)) console.log(`    ${line.slice(0, 300)}`);
  const open = rows.filter(({ liar }) => liar.against === 'nothing');
  const fellAsleep = sum(rows, ({ liar, slept }) => (liar.routing === 'overlay' ? 0 : slept));
  const guarded = rows.filter(({ liar }) => liar.against !== 'nothing');
  return [
    {
      what: 'requests answered by the app',
      wanted: String(all.length * (lastsMs / everyMs)),
      got: String(sum(rows, ({ answers }) => answers.filter(({ ok }) => ok).length)),
      good: rows.every(({ answers }) => answers.length === lastsMs / everyMs),
    },
    none('requests lost', lost),
    // In `overlay` about half of the new connections go past the DLX while a park settles: the price of that mode.
    none('fell asleep although called, overlay apart', fellAsleep),
    ...open.map(({ liar, tries }) => ({
      what: `parks begun of ${liar.name}, whose only source lies`,
      wanted: `1 to ${mostTries}`,
      got: String(tries.length),
      good: tries.length >= 1 && tries.length <= mostTries,
    })),
    ...open.map(({ liar, tries }) => evermoreRarely(liar, tries)),
    ...guarded.map(({ liar, tries }) => none(`parks begun of ${liar.name}, guarded by ${liar.against}`, tries.length)),
    none('problems of the cluster', cluster.problems.length),
  ];
}

function evermoreRarely({ name }: Liar, tries: readonly number[]): Finding {
  const pauses = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
  const grows = pauses.every((pause, i) => i === 0 || pause > 1.5 * (pauses[i - 1] ?? 0));
  const got = pauses.map((pause) => `${(pause / 60_000).toFixed(1)}m`).join(' ');
  return {
    what: `pauses between the tries of ${name}`,
    wanted: 'each half as long again at the least',
    got,
    good: grows,
  };
}
