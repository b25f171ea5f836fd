import { createRandom, type Random } from '@scaler/chaos';
import type { App } from '../site/apps.ts';
import type { Ask } from '../programs/asks.ts';

type Maker = (random: Random, members: number) => readonly Step[];

const app = (random: Random): App => random.pick(['autoscaler', 'dlx']);

/** Weight → what may come next. */
const makers: readonly (readonly [number, Maker])[] = [
  [20, (random) => [{ do: 'pass', ms: random.between(500, 8_000) }]],
  [24, (random, members) => asks(random, members)],
  [10, (random, members) => [{ do: 'metric', r: random.below(members), value: random.pick(['0', '0', '5']) }]],
  [4, (random) => [{ do: 'delete', app: app(random), pod: random.below(3) }]],
  [4, (random) => [{ do: 'kill', app: app(random), pod: random.below(3) }]],
  [2, (random) => [{ do: 'roll-out', app: app(random) }]],
  [2, (random) => [{ do: 'dlx-count', count: random.between(1, 3) }]],
  [3, (random) => [{ do: 'restart-api', downSeconds: random.between(0, 4) }]],
  [6, (random) => [freeze(random)]],
  [4, (random, members) => [{ do: 'scale', r: random.below(members), replicas: random.between(1, 2) }]],
  [3, (random, members) => [{ do: 'roll-out-workload', r: random.below(members) }]],
  [3, (random, members) => [{ do: 'edit-service', r: random.below(members) }]],
  [3, (random, members) => optOut(random, members)],
];

/** The script of a seed. Each step stands for itself, so any of them may be left out. */
export function generate(seed: number, length: number, members: number): readonly Step[] {
  const random = createRandom(seed);
  const total = makers.reduce((sum, [weight]) => sum + weight, 0);
  const steps: Step[] = [];
  while (steps.length < length) {
    let left = random.next() * total;
    const [, make] = makers.find(([weight]) => (left -= weight) < 0) ?? makers[0]!;
    steps.push(...make(random, members));
  }
  return steps.slice(0, length);
}

function asks(random: Random, members: number): readonly Step[] {
  return Array.from({ length: random.between(1, 4) }, () => ({
    do: 'ask',
    r: random.below(members),
    protocol: random.pick(['get', 'get', 'post', 'websocket', 'grpc', 'sse']),
    count: random.pick([1, 1, 5]),
  }));
}

/** A kube-proxy stands still no longer than the settle time allows for. */
function freeze(random: Random): Step {
  const program = random.pick(frozen);
  return { do: 'freeze', program, seconds: program === 'kube-proxy' ? 1 : random.between(2, 8) };
}

function optOut(random: Random, members: number): readonly Step[] {
  const r = random.below(members);
  return [
    { do: 'opt', r, in: false },
    { do: 'pass', ms: random.between(500, 8_000) },
    { do: 'opt', r, in: true },
  ];
}

export const frozen = ['kube-proxy', 'kube-controller-manager', 'kube-scheduler'] as const;

/** One thing that happens to a fleet on a real cluster. `r` is a place in the fleet. */
export type Step =
  /** Time passes. */
  | { readonly do: 'pass'; readonly ms: number }
  /** Requests, each on a new connection. */
  | { readonly do: 'ask'; readonly r: number; readonly protocol: Ask['protocol']; readonly count: number }
  /** A value of the metrics API, true or not. */
  | { readonly do: 'metric'; readonly r: number; readonly value: '0' | '5' }
  /** A pod of ours is deleted, as in a rollout. */
  | { readonly do: 'delete'; readonly app: App; readonly pod: number }
  /** A pod of ours is killed. */
  | { readonly do: 'kill'; readonly app: App; readonly pod: number }
  | { readonly do: 'roll-out'; readonly app: App }
  | { readonly do: 'dlx-count'; readonly count: number }
  | { readonly do: 'restart-api'; readonly downSeconds: number }
  | { readonly do: 'freeze'; readonly program: (typeof frozen)[number]; readonly seconds: number }
  /** Another client changes a workload or its Service. */
  | { readonly do: 'scale'; readonly r: number; readonly replicas: number }
  | { readonly do: 'roll-out-workload'; readonly r: number }
  | { readonly do: 'edit-service'; readonly r: number }
  | { readonly do: 'opt'; readonly r: number; readonly in: boolean };

export type StepKind = Step['do'];
