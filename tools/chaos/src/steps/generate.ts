import { createRandom, type Random } from '../random.ts';
import { fleet } from '../world/fleet.ts';
import { type MetricMode, metricModes } from '../world/metrics.ts';
import type { App } from '../world/programs.ts';
import { vetoAnswers } from '../world/vetoes.ts';
import { histories, lateWrites } from './histories.ts';
import { apiFaults, type Apps, intents, type Interleaving, interleavings, type Step } from './step.ts';

type Maker = (random: Random) => readonly Step[];

const member = (random: Random): number => random.below(fleet.length);
const app = (random: Random): App => random.pick(['autoscaler', 'dlx']);
const apps = (random: Random): Apps => random.pick(['autoscaler', 'autoscaler', 'dlx', 'both']);
const pass = (ms: number): Step => ({ do: 'pass', ms });

/** Weight → what may come next: a step, or a few that make sense together. */
const makers: readonly (readonly [number, Maker])[] = [
  [22, (random) => [pass(random.between(50, 3_000))]],
  [4, (random) => [pass(random.between(3_000, 10_000))]],
  [14, (random) => [request(random, member(random))]],
  [4, (random) => requests(random)],
  [4, (random) => [traffic(random)]],
  [7, (random) => [{ do: 'metric', r: member(random), mode: mode(random) }]],
  [3, () => [{ do: 'truth' }]],
  [3, (random) => [{ do: 'metrics-down', forMs: random.between(1_000, 12_000) }]],
  [12, (random) => [apiFault(random)]],
  [4, (random) => [{ do: 'cut-watches', app: apps(random) }]],
  [4, (random) => [stale(random)]],
  [3, (random) => [{ do: 'freeze-watches', app: apps(random), forMs: random.between(1_000, 20_000) }]],
  [2, (random) => [{ do: 'restart-api', downMs: random.between(0, 5_000) }]],
  [3, (random) => [{ do: 'clock-jump', app: app(random), ms: random.between(-7_200_000, 7_200_000) }]],
  [3, (random) => [{ do: 'kill', app: app(random) }]],
  [4, (random) => [{ do: 'kill-at-write', app: app(random), write: random.between(1, 6) }]],
  [2, (random) => freezeLeader(random)],
  [2, (random) => [{ do: 'drain', app: app(random) }]],
  [1, (random) => [{ do: 'dlx-count', count: random.between(1, 3) }]],
  [0.5, (random) => noDlx(random)],
  [2, (random) => allLate(random)],
  [4, (random) => ambush(random)],
  [4, (random) => [{ do: 'scale', r: member(random), replicas: random.pick([0, 1, 2, 2, 3]) }]],
  [2, (random) => [{ do: 'roll-out', r: member(random) }]],
  [2, (random) => [{ do: 'strip-key', r: member(random) }]],
  [2, (random) => [{ do: 'edit-service', r: member(random) }]],
  [1, (random) => [{ do: 'recreate-service', r: member(random) }]],
  [3, (random) => optOut(random)],
  [6, (random) => intent(random)],
  [3, (random) => [{ do: 'veto', r: member(random), answer: random.pick([...vetoAnswers, 'yes', 'no']) }]],
  [2, (random) => [{ do: 'proxy-lag', ms: random.between(0, 1_500) }]],
  [1, () => quiet],
  [0.5, () => outage],
  [0.5, (random) => staleCache(random)],
];

/** The kinds of trouble that a script may be about, instead of all. */
export const drills = {
  /** Another client acts between the last steps of a park. */
  request: (random) => between(random, 'request', false),
  'deaf-request': (random) => between(random, 'request', true),
  'slow-request': (random) => between(random, 'slow-request', true),
  scale: (random) => between(random, 'scale', false),
  pause: (random) => between(random, 'pause', false),
  /** Metrics are missing, or make no sense. */
  metrics: (random) => [
    { do: 'wake-all' },
    pass(2_000),
    ...eachMember((r) => ({ do: 'metric', r, mode: random.pick(['nan', 'gone', 'two', 'old']) })),
    pass(9_000),
    pass(8_000),
    ...quiet,
  ],
  outage: () => outage,
  /** Many requests at once wake a sleeper, and its wake takes a while to be written. */
  crowd: () => [
    ...quiet,
    { do: 'api-fault', fault: 'latency', app: 'dlx', writes: true, share: 1, forMs: 2_000 },
    ...eachMember((r) => ({ do: 'request', r, count: 3, node: 0 })),
    pass(8_000),
  ],
  /** Writes to Services arrive after everything has changed. */
  late: (random) => [
    ...quiet,
    { do: 'api-fault', fault: 'late', app: 'autoscaler', writes: true, kind: 'services', share: 0.5, forMs: 4_000 },
    { do: 'wake-all' },
    ...Array.from({ length: 12 }, () => pass(random.between(3_000, 4_000))),
  ],
  /** A key arrives after its leader was killed. */
  'late-key': () => [...histories['a key, its leader killed'].steps, ...quiet, { do: 'wake-all' }, pass(5_000)],
} as const satisfies Readonly<Record<string, Maker>>;

export type Drill = keyof typeof drills;

function eachMember(make: (r: number) => Step): readonly Step[] {
  return fleet.map((_, r) => make(r));
}

function between(random: Random, what: Interleaving, deaf: boolean): readonly Step[] {
  return [
    { do: 'wake-all' },
    { do: 'truth' },
    pass(random.between(5_000, 6_000)),
    ...eachMember((r) => ({ do: 'interleave', r, what })),
    ...(deaf ? [{ do: 'freeze-watches', app: 'dlx', forMs: 14_000 } as const] : []),
    pass(9_000),
    pass(3_000),
  ];
}

/** The script of a seed that has one kind of trouble, again and again. */
export function generateDrill(seed: number, length: number, drill: Drill): readonly Step[] {
  const random = createRandom(seed);
  const steps: Step[] = [...quiet];
  while (steps.length < length - 1) steps.push(...drills[drill](random));
  return [...steps.slice(0, length - 1), { do: 'settle' }];
}

/** The script of a seed. Each step stands for itself, so any of them may be left out. */
export function generate(seed: number, length: number): readonly Step[] {
  const random = createRandom(seed);
  const total = makers.reduce((sum, [weight]) => sum + weight, 0);
  const steps: Step[] = [...quiet];
  while (steps.length < length - 1) {
    if (steps.length % 100 === 99) steps.push({ do: 'settle' });
    let left = random.next() * total;
    const [, make] = makers.find(([weight]) => (left -= weight) < 0) ?? makers[0]!;
    steps.push(...make(random));
  }
  return [...steps.slice(0, length - 1), { do: 'settle' }];
}

function request(random: Random, r: number): Step {
  return { do: 'request', r, count: random.pick([1, 1, 1, 3]), node: random.below(2) };
}

function requests(random: Random): readonly Step[] {
  return Array.from({ length: random.between(2, 6) }, () => request(random, member(random)));
}

function traffic(random: Random): Step {
  return {
    do: 'traffic',
    r: member(random),
    everyMs: random.pick([200, 1_000, 4_000]),
    forMs: random.between(500, 6_000),
  };
}

function mode(random: Random): MetricMode {
  return random.pick([...metricModes, 'idle', 'idle', 'truth', 'truth']);
}

function apiFault(random: Random): Step {
  const fault = random.pick(apiFaults);
  const writes = fault === 'late' || fault === 'lost' || fault === 'conflict' || random.chance(0.5);
  const share = random.pick([0.1, 0.3, 0.6, 1]);
  const forMs = random.between(500, 8_000);
  return { do: 'api-fault', fault, app: apps(random), writes, share, forMs };
}

function stale(random: Random): Step {
  const lagMs = random.between(200, 6_000);
  return { do: 'stale-watches', app: apps(random), lagMs, forMs: random.between(3_000, 20_000) };
}

function freezeLeader(random: Random): readonly Step[] {
  const forMs = random.pick([random.between(500, 5_000), random.between(10_000, 16_000)]);
  const freeze: Step = { do: 'freeze-leader', forMs, hearsFirst: random.chance(0.5) };
  return [pass(random.between(0, 3_000)), freeze, pass(random.between(500, 6_000)), request(random, member(random))];
}

function noDlx(random: Random): readonly Step[] {
  return [{ do: 'dlx-count', count: 0 }, pass(random.between(2_000, 30_000)), { do: 'dlx-count', count: 2 }];
}

/** Every write of a kind is done long after its client has given up, and mostly after it is gone. */
function allLate(random: Random): readonly Step[] {
  const kind = random.pick(['services', 'services', 'endpointslices', 'deployments', 'statefulsets']);
  const by = kind === 'services' || kind === 'endpointslices' ? 'autoscaler' : app(random);
  const ends = random.pick<readonly Step[]>([
    [],
    [{ do: 'kill', app: by }],
    [{ do: 'kill', app: by }],
    [{ do: 'freeze-leader', forMs: 12_000, hearsFirst: random.chance(0.5) }],
    [{ do: 'wake-all' }, pass(1_000), { do: 'kill', app: by }],
  ]);
  const blind: readonly Step[] = [{ do: 'freeze-watches', app: 'autoscaler', forMs: 40_000 }];
  return [
    lateWrites(kind, random.between(2_000, 8_000), by),
    pass(random.between(2_000, 9_000)),
    ...ends,
    ...(random.chance(0.6) ? blind : []),
    pass(random.between(10_000, 20_000)),
    pass(random.between(5_000, 20_000)),
  ];
}

/** Another client is a hair faster than a step of a park, and the DLX may not have seen the park at all. */
function ambush(random: Random): readonly Step[] {
  const r = member(random);
  const deaf: readonly Step[] = [{ do: 'freeze-watches', app: 'dlx', forMs: 14_000 }];
  return [
    request(random, r),
    { do: 'metric', r, mode: 'truth' },
    pass(5_000),
    { do: 'interleave', r, what: random.pick(interleavings) },
    ...(random.chance(0.4) ? deaf : []),
    pass(random.between(6_000, 9_000)),
    pass(3_000),
  ];
}

function optOut(random: Random): readonly Step[] {
  const r = member(random);
  return [{ do: 'opt', r, in: false }, pass(random.between(100, 6_000)), { do: 'opt', r, in: true }];
}

/** An owner declares an intent, and often leaves it until it ends by itself, or for good. */
function intent(random: Random): readonly Step[] {
  const r = member(random);
  const wanted: Step = {
    ...{ do: 'intent', r, intent: random.pick(intents) },
    ...(random.chance(0.6) && { forMs: random.between(1_000, 30_000) }),
  };
  const then = random.pick<readonly Step[]>([[], [request(random, r)], [{ do: 'scale', r, replicas: 0 }]]);
  const over: Step = { do: 'intent', r, intent: 'none' };
  return [wanted, ...then, pass(random.between(500, 8_000)), ...(random.chance(0.6) ? [over] : [])];
}

/** Long enough for every idle resource to go to sleep. */
const quiet: readonly Step[] = [{ do: 'truth' }, pass(9_000), pass(8_000)];

/** The source fails as a whole; when it comes back, everything is idle at once. */
const outage: readonly Step[] = [
  { do: 'wake-all' },
  { do: 'truth' },
  pass(7_000),
  { do: 'metrics-down', forMs: 4_000 },
  pass(9_000),
  pass(9_000),
];

/** A request comes to a DLX whose watches have not seen the park. */
function staleCache(random: Random): readonly Step[] {
  const r = member(random);
  const freeze: Step = { do: 'freeze-watches', app: 'dlx', forMs: 30_000 };
  const ask: Step = { do: 'request', r, count: 2, node: 0 };
  return [
    ask,
    pass(7_000),
    { do: 'metric', r, mode: 'truth' },
    freeze,
    pass(10_000),
    ask,
    pass(3_000),
    ask,
    pass(5_000),
  ];
}
