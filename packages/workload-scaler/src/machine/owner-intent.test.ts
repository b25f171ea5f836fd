import { describe, expect, test } from '@jest/globals';
import {
  type Facts,
  type WorkloadFacts,
  isLeftAsleep,
  noOwnerIntent,
  type OwnerIntent,
  ownerIntentOf,
} from './facts.ts';
import { parseOptions } from '../config/options.ts';
import { parseSettings } from '../config/settings.ts';
import type { Step } from './step.ts';
import { nextStep, repair, wakeStep } from './table.ts';
import { type Case, combinations, someFacts, someOwnerIntents } from '../testing/combinations.ts';
import { createModel } from '../testing/model.ts';
import { settle } from '../testing/walk.ts';
import { intentBlockers } from './blockers.ts';

const at = (workload: Partial<WorkloadFacts>, ownerIntent: Partial<OwnerIntent>, change: Partial<Facts> = {}): Step => {
  const facts = { ...someFacts(), ...change };
  const changed = { ...someFacts().workload, ...workload } as WorkloadFacts;
  return nextStep({ ...facts, ownerIntent: { ...noOwnerIntent, ...ownerIntent }, workload: changed }, repair);
};

test('what its owner wants begins and ends by the clock alone', () => {
  const endMs = Date.parse('2026-12-01T08:00:00Z');
  const read = (annotations: Record<string, string>) => parseSettings(annotations, parseOptions({})).settings;
  const paused = read({ 'scaler/pause': 'asleep until 2026-12-01T08:00:00Z' });
  expect(ownerIntentOf(paused, endMs - 1).pause).toBe('asleep');
  expect(ownerIntentOf(paused, endMs)).toEqual(noOwnerIntent);
  const busy = read({ 'scaler/busy-until': '2026-12-01T08:00:00Z' });
  expect(ownerIntentOf(busy, endMs - 1).busy).toBe(true);
  expect(ownerIntentOf(busy, endMs)).toEqual(noOwnerIntent);
});

describe('in every phase, whatever the routing', () => {
  const cases = (wanted: (ownerIntent: OwnerIntent) => boolean) => {
    const both = someOwnerIntents.flatMap((ownerIntent) => [ownerIntent, { ...ownerIntent, dryRun: true }]);
    return combinations(both.filter(wanted).map((ownerIntent) => [ownerIntent, true]));
  };
  /** Everything that the table does up to rest, from one combination. */
  const steps = (one: Case): Step[] => {
    const model = createModel(one.facts);
    const done: Step[] = [];
    const apply = model.apply.bind(model);
    model.apply = (step) => {
      if (step.do !== 'stop') done.push(step);
      return apply(step);
    };
    settle(model, one.intent);
    return done;
  };
  test('no pause awake or as it is, no busy lease and no dry run lets a park come to its end', () => {
    let seen = 0;
    for (const one of cases((ownerIntent) => intentBlockers(ownerIntent).length > 0)) {
      if (one.intent.kind !== 'park') continue;
      seen += 1;
      if (steps(one).some((step) => step.do === 'swap' && step.replicas === 0)) throw new Error(JSON.stringify(one));
    }
    expect(seen).toBeGreaterThan(1_000);
  });

  test('a pause awake wakes what sleeps, but in a dry run', () => {
    let seen = 0;
    for (const { facts, intent } of cases(({ pause }) => pause === 'awake')) {
      if (facts.workload?.phase !== 'asleep' || !facts.workload.enabled || facts.workload.replicas > 0) continue;
      seen += 1;
      const step = nextStep(facts, intent);
      if (!facts.ownerIntent.dryRun && !(step.do === 'swap' && step.to === 'waking'))
        throw new Error(JSON.stringify(facts));
      const needed = facts.notDivertible !== undefined || facts.dlx === 'gone';
      if (facts.ownerIntent.dryRun && step.do === 'swap' && !needed) throw new Error(JSON.stringify(facts));
    }
    expect(seen).toBeGreaterThan(100);
  });

  test('a pause asleep or as it is never starts what sleeps, unless it is opted out', () => {
    let seen = 0;
    for (const one of cases(isLeftAsleep)) {
      const { workload } = one.facts;
      if (!workload?.enabled || workload.phase !== 'asleep' || workload.replicas > 0) continue;
      seen += 1;
      if (steps(one).some((step) => step.do === 'swap')) throw new Error(JSON.stringify(one));
    }
    expect(seen).toBeGreaterThan(1_000);
  });

  test('a dry run begins nothing with what nothing was begun with', () => {
    let seen = 0;
    for (const one of cases(({ dryRun }) => dryRun)) {
      const { workload, services } = one.facts;
      const begun = services.some(({ slices, key, touched }) => slices !== 'none' || key !== undefined || touched);
      if (!workload?.enabled || begun || !(workload.phase === undefined || workload.phase === 'awake')) continue;
      seen += 1;
      const facts = { ...one.facts, workload: { ...workload, phaseLabel: workload.phase } };
      expect(steps({ ...one, facts })).toEqual([]);
    }
    expect(seen).toBeGreaterThan(100);
  });
});

describe("another client's zero", () => {
  test('is started again by a pause awake, also without a DLX, and left alone by one as it is and by a dry run', () => {
    const zero = { replicas: 0, wanted: 3 };
    expect(at(zero, { pause: 'awake' }, { dlx: 'none' })).toMatchObject({ to: 'waking', replicas: 3, testReplicas: 0 });
    expect(at(zero, { pause: 'awake' }, { followZero: false })).toEqual({ do: 'rest' });
    expect(at(zero, { pause: 'as-is' })).toEqual({ do: 'rest' });
    expect(at(zero, { dryRun: true })).toEqual({ do: 'rest' });
    expect(at(zero, { pause: 'asleep' })).toMatchObject({ to: 'asleep', testReplicas: 0 });
  });
});

test('without a DLX, what a pause leaves asleep stays so, and its Services are restored', () => {
  const key = { name: 'web', ours: true, slices: 'whole', sliceEpoch: 'now', key: 'now', serves: false } as const;
  const diverted = { dlx: 'gone' as const, services: [{ ...key, keyMayCome: false, touched: false, stableForMs: 0 }] };
  const asleep = { phase: 'asleep', replicas: 0 } as const;
  expect(at(asleep, { pause: 'asleep' }, diverted)).toEqual({ do: 'remove-key', service: 'web' });
  expect(at(asleep, { pause: 'asleep' }, { dlx: 'gone' })).toEqual({ do: 'rest' });
  expect(at(asleep, {}, diverted)).toMatchObject({ to: 'waking' });
});

describe('a request', () => {
  const ask = (workload: Partial<WorkloadFacts>, pause: OwnerIntent['pause']) =>
    wakeStep({ ...someFacts().workload, ...workload } as WorkloadFacts, { followZero: true, pause }, 3, '');

  test.each(['asleep', 'as-is'] as const)('is refused what would write replicas while it is paused %s', (pause) => {
    for (const phase of ['asleep', 'awake', undefined] as const)
      expect(ask({ phase, phaseLabel: 'asleep', replicas: 0 }, pause)).toEqual({ do: 'refuse' });
    expect(ask({ phase: 'waking', replicas: 0 }, pause)).toMatchObject({ to: 'waking', replicas: 3 });
    for (const phase of ['awake', 'waking', undefined] as const)
      expect(ask({ phase, replicas: 1 }, pause)).toEqual({ do: 'join' });
    expect(ask({ phase: 'asleep', replicas: 1 }, pause)).toEqual({ do: 'swap', to: 'waking', wanted: 1, reason: '' });
  });

  test('cancels a park, but not one that a pause asleep wants', () => {
    expect(ask({ phase: 'parking', replicas: 2 }, 'asleep')).toEqual({ do: 'refuse' });
    expect(ask({ phase: 'parking', replicas: 2 }, 'as-is')).toEqual({
      do: 'swap',
      to: 'waking',
      wanted: 2,
      reason: '',
    });
    expect(ask({ phase: 'parking', replicas: 0 }, 'as-is')).toEqual({ do: 'refuse' });
  });

  test('starts what a pause keeps awake', () => {
    expect(ask({ phase: 'asleep', replicas: 0 }, 'awake')).toMatchObject({ to: 'waking', replicas: 3 });
  });
});
