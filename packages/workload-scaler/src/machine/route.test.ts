import { describe, expect, test } from '@jest/globals';
import type { ServiceFacts, SliceFacts } from './facts.ts';
import { nextStep, type ParkIntent, repair } from './table.ts';
import { someFacts } from '../testing/combinations.ts';
import { createModel } from '../testing/model.ts';

const park: ParkIntent = { kind: 'park', epoch: 'now', reason: 'it is idle', replicas: 2, confirmed: false };

test('slices that stand on an awake Service name no DLX that is gone until they are taken away', () => {
  const of = (slices: SliceFacts) => ({ ...someFacts(), services: [diverted(slices)] });
  expect(nextStep(of('outdated'), repair)).toMatchObject({ do: 'write-slices', forKey: false });
  expect(nextStep(of('whole'), repair)).toMatchObject({ do: 'wait' });
  expect(nextStep({ ...of('outdated'), dlx: 'none' }, repair)).toMatchObject({ do: 'wait' });
});

describe('a key that may be on its way', () => {
  const parked: ServiceFacts = { ...diverted('whole'), keyMayCome: true };
  const waking = { ...someFacts().workload, phase: 'waking' as const };
  const of = (service: ServiceFacts) => ({ ...someFacts(), workload: waking, services: [service] });

  test('is kept from coming before its slices go, and what did that goes last', () => {
    const model = createModel(of(parked));
    const steps: string[] = [];
    for (let step = nextStep(model.facts(), repair); step.do !== 'rest'; step = nextStep(model.facts(), repair)) {
      steps.push(step.do);
      model.apply(step);
    }
    expect(steps).toEqual(['touch-service', 'wait', 'delete-slices', 'touch-service', 'swap']);
  });

  test('costs no write where one was added and taken away again: that moved the version', () => {
    expect(nextStep(of({ ...parked, keyMayCome: false, serves: true, stableForMs: 5_000 }), repair)).toEqual({
      ...{ do: 'delete-slices', service: 'web' },
    });
  });

  test('is sent only once the slices say so', () => {
    const facts = { ...of({ ...parked, keyMayCome: false }), workload: { ...waking, phase: 'parking' as const } };
    expect(nextStep(facts, park)).toEqual({ do: 'write-slices', service: 'web', epoch: 'now', forKey: true });
    const told = { ...facts, services: [parked] };
    expect(nextStep(told, park)).toEqual({ do: 'add-key', service: 'web', epoch: 'now' });
  });
});

function diverted(slices: SliceFacts): ServiceFacts {
  const routed = { slices, sliceEpoch: 'now', key: undefined, keyMayCome: false, touched: false };
  return { name: 'web', ours: true, ...routed, serves: false, stableForMs: 0 };
}
