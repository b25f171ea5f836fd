import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEchoImage, type FakeApi } from '@scaler/testing-kit/kubernetes';
import { createRandom } from '@scaler/chaos';
import type { Clock } from '@scaler/scaler-types';
import { all, atLeast, atMost, type Finding, mostWithin, none, printTable } from '../../../harness/report.ts';
import { isFull, sizeFrom } from '../../../harness/size.ts';
import { eventsOf } from '../fleet/events.ts';
import { createManaged } from '../fleet/fleet.ts';
import { CountedFleet } from './counted-fleet.ts';
import { followPhases, type PhaseChange } from './phases.ts';
import { type Product, startProduct } from './product.ts';
import { queriesText, type SimulatedPrometheus, startPrometheus } from './prometheus.ts';
import { createSimulation, type Simulation } from './simulation.ts';

const namespace = 'sources';
const windowMs = 60_000;
/** The defaults of `--scale-interval` and `--brake-parks`. */
const tickMs = 10_000;
const parksPerTick = 5;
/** So many may park at once whatever happened before. */
const fewLeft = 10;
/** The first park may be so long after the recovery and one window. */
const graceMs = 60_000;

interface Outcome {
  readonly fault: SourceFault;
  /** Parks begun before the fault, during it, and before one window had passed since its end. */
  readonly early: number;
  readonly firstParkMs: number;
  readonly lastSleepMs: number;
  readonly asleep: number;
  /** How many must sleep by the end of the look. */
  readonly wanted: number;
  /** The most parks begun within a tick, until few are left. */
  readonly mostPerTick: number;
  readonly brakeOn: number;
  readonly heldBack: number;
  /** Workloads with an Event that they are held back. */
  readonly withEvent: number;
}

/**
 * For each fault of a source: a fleet in use whose requests the DLX does not see; the fault; then, at the moment when it
 * is over, the fleet falls idle.
 */
export async function sources(): Promise<readonly Finding[]> {
  const seed = sizeFrom('TRIALS_SEED', 1);
  const size = sizeFrom('TRIALS_WORKLOADS', 200);
  console.log(`  seed ${seed}; ${size} workloads, window 1m, tick 10s; seconds since the source has recovered`);
  const outcomes: Outcome[] = [];
  for (const fault of sourceFaults) outcomes.push(await suffer(fault, seed, size));
  const head = [
    'fault',
    'parks too early',
    'first park',
    'last asleep',
    'asleep',
    'per tick',
    'brake',
    'held back',
    'with an Event',
  ];
  const seconds = (ms: number): string => (ms / 1000).toFixed(0);
  const rows = outcomes.map(
    ({ fault, early, firstParkMs, lastSleepMs, asleep, mostPerTick, brakeOn, heldBack, withEvent }) => [
      ...[fault.what, early, seconds(firstParkMs), seconds(lastSleepMs), asleep, mostPerTick],
      ...[brakeOn === 1 ? 'on' : 'off', heldBack, withEvent],
    ],
  );
  printTable([head, ...rows]);
  return outcomes.flatMap((outcome) => findings(outcome, size));
}

function findings({ fault: { what }, ...seen }: Outcome, size: number): Finding[] {
  return [
    none(`${what}: parks of ${size} before one window without it`, seen.early),
    atMost(`${what}: first park after recovery`, seen.firstParkMs / 1000, (windowMs + graceMs) / 1000, 's'),
    atLeast(`${what}: asleep in the end`, seen.asleep, seen.wanted),
    all(`${what}: most parks begun in a tick`, seen.mostPerTick, parksPerTick),
    all(`${what}: the brake's metric`, seen.brakeOn, 1),
    all(`${what}: workloads with an Event that they are held back`, seen.withEvent, size - parksPerTick),
  ];
}

async function suffer(fault: SourceFault, seed: number, size: number): Promise<Outcome> {
  const simulation = createSimulation(seed);
  const { clock } = simulation;
  const fleet = new CountedFleet(size, createRandom(seed).next);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'scaler-trial-'));
  const queries = join(folder.path, 'queries.json');
  await writeFile(queries, queriesText);
  await using prometheus = await startPrometheus(clock, fleet);
  await using product = await startProduct(simulation, {
    images: { app: createEchoImage() },
    autoscalerArgs: [
      `--metrics-source=${fault.source}`,
      `--prometheus-url=${prometheus.url}`,
      `--prometheus-queries=${queries}`,
    ],
  });
  const { cluster } = product;
  const changes = followPhases(cluster.api, namespace, clock);
  await create(simulation, product, fleet, fault);
  await simulation.run(2 * windowMs);
  return await watch(simulation, product, { clock, fleet, prometheus, api: cluster.api }, fault, changes);
}

async function create(
  simulation: Simulation,
  { cluster }: Product,
  fleet: CountedFleet,
  fault: SourceFault,
): Promise<void> {
  const { clock, settled } = simulation;
  const annotations = { 'scaler/routing': 'selector', 'scaler/metrics': 'requests_per_1m<=0' };
  const metric = fault.source === 'prometheus' ? 'requests' : 'requests_per_1m';
  for (const name of fleet.names) {
    cluster.api.metrics.set({
      ...{ namespace, resource: 'deployments.apps', name, metric },
      value: () => String(fleet.requests(name, clock.monotonic(), windowMs)),
    });
    await settled(createManaged(cluster, { namespace, name }, annotations));
  }
  const served = (): boolean => fleet.names.every((name) => cluster.proxy.backends(namespace, name, 80).length > 0);
  await simulation.until('every workload is served', served, 60_000);
}

async function watch(
  simulation: Simulation,
  product: Product,
  world: FaultyWorld,
  fault: SourceFault,
  changes: readonly PhaseChange[],
): Promise<Outcome> {
  const { clock } = simulation;
  const { fleet } = world;
  fault.begin(world);
  await simulation.run(fault.lastsMs);
  fault.end?.(world);
  const recoveredMs = clock.monotonic();
  fleet.idleFromMs = recoveredMs;
  const timesOf = (wanted: string): number[] =>
    changes.filter(({ phase }) => phase === wanted).map(({ atMs }) => atMs - recoveredMs);
  const parks = (): number[] => timesOf('parking');
  await simulation.until('a park begins', () => parks().length > 0, 10 * windowMs);
  await simulation.run(tickMs);
  const brakeOn = await product.metric('autoscaler_brake_on');
  const heldBack = await product.metric('autoscaler_brake_held_back');
  const size = fleet.names.length;
  const toTheEnd = fault.toTheEnd || isFull;
  const ticks = toTheEnd ? size / parksPerTick + 6 : 6;
  await simulation.run(ticks * tickMs);
  // The brake is off for the last few parks.
  const braked = parks().slice(0, size - fewLeft);
  return {
    fault,
    wanted: toTheEnd ? size : 6 * parksPerTick,
    early: parks().filter((atMs) => atMs < windowMs).length,
    firstParkMs: Math.min(...parks()),
    lastSleepMs: Math.max(...timesOf('asleep')),
    asleep: new Set(changes.filter(({ phase }) => phase === 'asleep').map(({ name }) => name)).size,
    mostPerTick: mostWithin(braked, tickMs),
    brakeOn,
    heldBack,
    withEvent: new Set(eventsOf(product.cluster.api, namespace, 'HeldBack').map(({ name }) => name)).size,
  };
}

/** The parts that a fault may act on. */
export interface FaultyWorld {
  readonly clock: Clock;
  readonly fleet: CountedFleet;
  readonly prometheus: SimulatedPrometheus;
  readonly api: FakeApi;
}

/** A fault of a source, or of its values. */
export interface SourceFault {
  readonly what: string;
  readonly source: 'prometheus' | 'custom-metrics';
  /** The time until the source has recovered. */
  readonly lastsMs: number;
  /** The fleet is always watched until all of it sleeps; without, only with `TRIALS=full`. */
  readonly toTheEnd?: boolean;
  begin(world: FaultyWorld): void;
  /** A fault that ends by itself needs no end. */
  end?(world: FaultyWorld): void;
}

const minute = 60_000;

/** The ways in which the adapter can be gone, each for ten minutes. */
const adapterGone = (what: string, be: (world: FaultyWorld, gone: boolean) => void): SourceFault => ({
  what,
  source: 'custom-metrics',
  lastsMs: 10 * minute,
  begin: (world) => be(world, true),
  end: (world) => be(world, false),
});

const badValues = (what: string, fault: SimulatedPrometheus['fault']): SourceFault => ({
  what,
  source: 'prometheus',
  lastsMs: 3 * minute,
  begin: ({ prometheus }) => void (prometheus.fault = fault),
  end: ({ prometheus }) => void (prometheus.fault = undefined),
});

const restarted = (what: string, downMs: number, tellsStart: boolean): SourceFault => ({
  what,
  source: 'prometheus',
  lastsMs: downMs,
  begin({ prometheus }) {
    prometheus.tellsStart = tellsStart;
    prometheus.restart(downMs);
  },
});

/** Values of the adapter by `metrics.set`, taken away and given back. */
const served = { custom: ['v1beta2', 'v1beta1'] } as const;

export const sourceFaults: readonly SourceFault[] = [
  { ...restarted('Prometheus restarted, gone for 25 s', 25_000, true), toTheEnd: true },
  restarted('Prometheus restarted between two ticks', 3_000, true),
  restarted('the same, and does not tell its start', 3_000, false),
  adapterGone('adapter gone: 503', ({ api }, gone) => api.metrics.unavailable(gone)),
  adapterGone('adapter gone: its API too', ({ api }, gone) => api.metrics.serve(gone ? { custom: [] } : served)),
  {
    what: 'counter reset of all apps',
    source: 'prometheus',
    // The fault is over once it is out of the window.
    lastsMs: minute,
    begin: ({ fleet, clock }) => void (fleet.resetMs = clock.monotonic()),
  },
  badValues('NaN', 'nan'),
  badValues('two series for each', 'two-series'),
];
