import { createRandom, type Random } from '@scaler/chaos';
import type { App } from '../site/apps.ts';
import { frozen, type Step } from './step.ts';

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

/** A kube-proxy no longer than the settling that the product was told of allows for. */
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
