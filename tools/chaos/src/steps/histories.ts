import type { Step } from './step.ts';

/** A history that once broke an invariant, or that holds a row of docs/decisions/late-writes.md. */
export interface History {
  /** Each is a fleet that is at another point when the history begins. */
  readonly seeds: readonly number[];
  readonly steps: readonly Step[];
}

const pass = (ms: number, times = 1): readonly Step[] => Array.from({ length: times }, () => ({ do: 'pass', ms }));
const kill = { do: 'kill', app: 'autoscaler' } as const;
const frozen = (forMs: number): Step => ({ do: 'freeze-watches', app: 'autoscaler', forMs });

/** Every write of a kind is done 11 to 40 s after it came. */
export function lateWrites(kind: string, forMs: number, app: 'autoscaler' | 'dlx' = 'autoscaler'): Step {
  return { do: 'api-fault', fault: 'late', app, writes: true, kind, share: 1, forMs };
}

const asleep: readonly Step[] = [{ do: 'truth' }, ...pass(9_000), ...pass(8_000)];

/** By what comes late, and when. */
export const histories = {
  'a key, its leader killed': {
    seeds: [1, 2, 3, 4, 5, 6, 7, 8],
    steps: [lateWrites('services', 6_000), ...pass(6_000), kill, frozen(40_000), ...pass(40_000)],
  },
  'a key that was sent twice': {
    seeds: [1, 2, 3, 4, 5, 6],
    steps: [
      lateWrites('services', 6_000),
      ...pass(15_500),
      { do: 'wake-all' },
      ...pass(1_000, 6),
      { do: 'metrics-down', forMs: 90_000 },
      frozen(60_000),
      ...pass(1_000, 24),
    ],
  },
  'a key, a DLX has ended its park and its leader is killed': {
    seeds: [1, 2, 3],
    steps: [
      lateWrites('services', 6_000),
      ...pass(5_000),
      { do: 'wake-all' },
      ...pass(500),
      { do: 'wake-all' },
      ...pass(500),
      kill,
      frozen(40_000),
      ...pass(20_000, 2),
    ],
  },
  'a key, its leader stands still': {
    seeds: [1, 2, 3],
    steps: [
      lateWrites('services', 6_000),
      ...pass(6_000),
      { do: 'freeze-leader', forMs: 14_000, hearsFirst: true },
      frozen(40_000),
      ...pass(20_000, 2),
    ],
  },
  'the end of a key, asleep again': {
    seeds: [1, 2, 3],
    steps: [
      ...asleep,
      lateWrites('services', 8_000),
      { do: 'wake-all' },
      ...pass(6_000),
      kill,
      ...Array.from({ length: 15 }, (_, r): Step => ({ do: 'scale', r, replicas: 0 })),
      ...pass(9_000, 5),
    ],
  },
  'slices, their leader killed, and a DLX goes': {
    seeds: [1, 2, 3],
    steps: [
      lateWrites('endpointslices', 6_000),
      ...pass(6_000),
      kill,
      frozen(40_000),
      { do: 'drain', app: 'dlx' },
      ...pass(20_000, 3),
    ],
  },
  'the end of slices, asleep again': {
    seeds: [1, 2, 3],
    steps: [
      ...asleep,
      { do: 'wake-all' },
      ...pass(1_000),
      lateWrites('endpointslices', 9_000),
      ...pass(8_000),
      kill,
      ...Array.from({ length: 15 }, (_, r): Step => ({ do: 'scale', r, replicas: 0 })),
      frozen(40_000),
      ...pass(9_000, 5),
    ],
  },
  'a zero, its leader killed, with requests': {
    seeds: [1, 2, 3],
    steps: [
      ...pass(4_000),
      lateWrites('deployments', 7_000),
      lateWrites('statefulsets', 7_000),
      ...pass(7_000),
      kill,
      ...Array.from({ length: 20 }, (): Step[] => [{ do: 'wake-all' }, { do: 'pass', ms: 1_500 }]).flat(),
    ],
  },
  'a wake, its DLX killed': {
    seeds: [1, 2, 3],
    steps: [
      ...asleep,
      lateWrites('deployments', 4_000, 'dlx'),
      lateWrites('statefulsets', 4_000, 'dlx'),
      { do: 'wake-all' },
      ...pass(3_000),
      { do: 'kill', app: 'dlx' },
      ...pass(9_000, 5),
    ],
  },
  'ports, opted out meanwhile': {
    seeds: [1, 2, 3],
    steps: [
      lateWrites('deployments', 6_000),
      { do: 'opt', r: 0, in: false },
      ...pass(3_000),
      { do: 'opt', r: 0, in: true },
      ...pass(1_000),
      kill,
      { do: 'opt', r: 0, in: false },
      ...pass(10_000, 5),
      { do: 'settle' },
    ],
  },
} as const satisfies Readonly<Record<string, History>>;
