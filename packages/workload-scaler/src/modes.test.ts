import { describe, expect, test } from '@jest/globals';
import type { Facts, RoutingMode } from './machine/facts.ts';
import { type Intent, nextStep, repair } from './machine/table.ts';
import { someFacts } from './testing/combinations.ts';
import { createModel, type Model } from './testing/model.ts';
import { intentNow } from './testing/walk.ts';

const modes = ['overlay', 'selector', 'always'] as const;
const pairs = modes.flatMap((from) => modes.filter((to) => to !== from).map((to) => [from, to] as const));

const untouched = {
  ours: true,
  slices: 'none',
  sliceEpoch: undefined,
  key: undefined,
  keyMayCome: false,
  touched: false,
} as const;
const services = ['web', 'admin'].map((name) => ({ ...untouched, name, serves: true, stableForMs: 0 }));

/** Awake and at rest. */
function awakeIn(mode: RoutingMode): Facts {
  return walk(createModel({ ...someFacts(), mode, services }), repair).facts();
}

/** Does so many steps, or all, and sees to it that every Service leads somewhere after each. */
function walk(model: Model, intent: Intent, most = 60): Model {
  for (let steps = 0; steps < most; steps++) {
    const step = nextStep(model.facts(), intentNow(intent, model));
    if (step.do === 'rest' || !model.apply(step)) return model;
    if (!model.isServed()) throw new Error(`${JSON.stringify(step)} leads nowhere: ${JSON.stringify(model.facts())}`);
    if (model.facts().workload?.phase === 'asleep' && intent.kind === 'park') return model;
  }
  return model;
}

const epoch = 'this park';
const park: Intent = { kind: 'park', epoch, reason: 'it is idle', replicas: 2, confirmed: false };

function parking(facts: Facts): Facts {
  const { workload } = facts;
  return { ...facts, workload: workload && { ...workload, phase: 'parking', phaseLabel: 'parking', epoch } };
}

/** What is left of ours, Service by Service. */
function left({ services: all }: Facts): readonly string[] {
  return all.map(({ slices, key }) =>
    [slices === 'none' ? '' : slices, key === undefined ? '' : 'key'].join(' ').trim(),
  );
}

const whenAwake = { overlay: '', selector: '', always: 'whole key' };
const whenAsleep = { overlay: 'whole', selector: 'whole key', always: 'whole key' };

describe.each(pairs)('from %s to %s', (from, to) => {
  test('while it is awake: every Service leads somewhere all the way, and nothing is left over', () => {
    const facts = walk(createModel({ ...awakeIn(from), mode: to }), repair).facts();
    expect(facts.workload?.phase).toBe('awake');
    expect(left(facts)).toEqual([whenAwake[to], whenAwake[to]]);
  });

  test('while it is asleep: the same, and it sleeps on', () => {
    const asleep = walk(createModel(parking(awakeIn(from))), park).facts();
    expect(asleep.workload).toMatchObject({ phase: 'asleep', replicas: 0 });
    const facts = walk(createModel({ ...asleep, mode: to }), repair).facts();
    expect(facts.workload).toMatchObject({ phase: 'asleep', replicas: 0 });
    expect(left(facts)).toEqual([whenAsleep[to], whenAsleep[to]]);
  });

  test('at any step of a park: the same, whether the park goes on or its leader dies', () => {
    for (let steps = 0; steps < 20; steps++) {
      const begun = walk(createModel(parking(awakeIn(from))), park, steps).facts();
      if (begun.workload?.phase !== 'parking') return;
      const parked = walk(createModel({ ...begun, mode: to }), park).facts();
      expect(parked.workload).toMatchObject({ phase: 'asleep', replicas: 0 });
      expect(left(walk(createModel(parked), repair).facts())).toEqual([whenAsleep[to], whenAsleep[to]]);
      const undone = walk(createModel({ ...begun, mode: to }), repair).facts();
      expect(undone.workload).toMatchObject({ phase: 'awake', replicas: 2 });
      expect(left(undone)).toEqual([whenAwake[to], whenAwake[to]]);
    }
    throw new Error('the park has no end');
  });
});
