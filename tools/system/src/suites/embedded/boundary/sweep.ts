import type { Anchor, Mode, Workload } from '../fleet/workload.ts';

/** The aim of requests within a park: a delay after an anchor, drawn from a range. */
export interface Aim {
  /** `idle`: when the metric, or the end of the traffic, makes the workload idle. */
  readonly anchor: Anchor | 'idle';
  readonly fromMs: number;
  readonly toMs: number;
  /** The API holds the anchor's write for so long, where the anchor is a write that arrives. */
  readonly holdMs?: number;
}

export interface Times {
  readonly windowMs: number;
  readonly settleMs: number;
}

/** Aims that may cancel a park, and those after which it completes. */
interface Aims {
  readonly early: readonly Aim[];
  readonly late: readonly Aim[];
}

function aimsOf(mode: Mode, { windowMs, settleMs }: Times): Aims {
  const late: readonly Aim[] = [
    { anchor: 'asleep:done', fromMs: 0, toMs: 30 },
    { anchor: 'asleep:done', fromMs: 30, toMs: 400 },
  ];
  const begin: readonly Aim[] = [
    { anchor: 'idle', fromMs: 0, toMs: windowMs + 200 },
    { anchor: 'parking:arrived', fromMs: 0, toMs: 6, holdMs: 6 },
    { anchor: 'parking:done', fromMs: 0, toMs: 30 },
    { anchor: 'asleep:arrived', fromMs: 0, toMs: 10, holdMs: 12 },
  ];
  if (mode === 'always') return { early: begin, late };
  const last = mode === 'overlay' ? 'slice' : 'key';
  const divert: readonly Aim[] = [
    { anchor: 'slice:arrived', fromMs: 0, toMs: 6, holdMs: 6 },
    ...(mode === 'selector' ? [{ anchor: 'key:arrived', fromMs: 0, toMs: 6, holdMs: 6 } as const] : []),
    { anchor: `${last}:done`, fromMs: 0, toMs: settleMs / 2 },
    { anchor: `${last}:done`, fromMs: settleMs / 2, toMs: settleMs - 20 },
    // The fence falls into this range.
    { anchor: `${last}:done`, fromMs: settleMs - 20, toMs: settleMs + 40 },
    { anchor: `${last}:done`, fromMs: settleMs - 20, toMs: settleMs + 40 },
  ];
  return { early: [...begin, ...divert], late };
}

/** The aims of one workload's trials. */
export interface Sweep {
  /**
   * `cancelled`: the previous park was cancelled, so this one may complete: each one in a row doubles the time until
   * the next.
   */
  next(cancelled: boolean): Aim;
}

export function createSweep(mode: Mode, times: Times, random: () => number): Sweep {
  const { early, late } = aimsOf(mode, times);
  const [nextEarly, nextLate] = [early, late].map((aims) => rounds(aims, random)) as [() => Aim, () => Aim];
  return { next: (cancelled) => (cancelled ? nextLate() : nextEarly()) };
}

/** Goes through all aims again and again, each time in another order. */
function rounds(aims: readonly Aim[], random: () => number): () => Aim {
  let left: Aim[] = [];
  return () => {
    if (left.length === 0) left = shuffled(aims, random);
    return left.pop() as Aim;
  };
}

export const steps = [
  'awake',
  'diverting',
  'settling',
  'fence',
  'zero write',
  'asleep < 0.1 s',
  'asleep',
  'waking',
] as const;
export type StepName = (typeof steps)[number];

/** The step of the park in which a workload is now. */
export function stepOf(workload: Workload, settleMs: number): StepName {
  const nowMs = performance.now();
  const { phase, phaseAtMs, routedAtMs, zeroAtMs, mode } = workload;
  if (phase === 'asleep') return nowMs - phaseAtMs < 100 ? 'asleep < 0.1 s' : 'asleep';
  if (phase !== 'parking') return phase === 'waking' ? 'waking' : 'awake';
  if (zeroAtMs > phaseAtMs) return 'zero write';
  if (mode === 'always') return 'fence';
  if (routedAtMs < phaseAtMs || (mode === 'selector' && workload.key === undefined)) return 'diverting';
  return nowMs - routedAtMs < settleMs ? 'settling' : 'fence';
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
