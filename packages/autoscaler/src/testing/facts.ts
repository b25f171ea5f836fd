import type { Resource } from '@scaler/scaler-types';
import type { DecideFacts } from '../decide/decide.ts';
import { emptyMemory } from '../decide/memory.ts';
import type { Sample } from '../collect/sample.ts';
import { type WantSettings, wantsOf } from '../collect/want.ts';

export const wantSettings: WantSettings = {
  metricNamePattern: '<name>_per_<window>',
  defaultSource: 'custom-metrics',
  windowedQueries: new Set(),
  idleAfterMs: 300_000,
};

export const now = { wallMs: Date.UTC(2026, 0, 1), monotonicMs: 10_000_000 };

/** An awake resource that is idle by one metric, unless changed. */
export function aResource(changes: Partial<Resource> = {}): Resource {
  return {
    namespace: 'default',
    name: 'web',
    phase: 'awake',
    replicas: 1,
    scaleResources: [{ metricName: 'requests', windowSize: 60_000, threshold: 0 }],
    targets: [],
    ...changes,
  };
}

/** The same sample for every want of the resources. */
export function samplesFor(resources: readonly Resource[], sample: Sample): Map<string, Sample> {
  return new Map(resources.flatMap((one) => wantsOf(one, wantSettings).map((want) => [want.key, sample] as const)));
}

/** Facts in which everything about the resources has always been known. */
export function factsFor(resources: readonly Resource[], changes: Partial<DecideFacts> = {}): DecideFacts {
  const ever = { since: { wallMs: 0, monotonicMs: 0 }, peaks: [] };
  const keys = resources.flatMap((one) => wantsOf(one, wantSettings).map((want) => want.key));
  return {
    ...wantSettings,
    now,
    memory: { ...emptyMemory, known: new Map(keys.map((key) => [key, ever])) },
    attempts: new Map(),
    staleReasons: new Map(),
    parking: new Set(),
    dryRun: false,
    cooldownMs: 60_000,
    ...changes,
  };
}
