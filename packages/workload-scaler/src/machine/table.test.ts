import { describe, expect, test } from '@jest/globals';
import type { Phase } from '@scaler/scaler-types';
import { type Facts, type ServiceFacts, type SliceFacts, isLeftAsleep } from './facts.ts';
import type { Step } from './step.ts';
import { followedZero, nextStep, type ParkIntent, repair, wakeStep } from './table.ts';
import { beginning, type Case, combinations, services, someFacts } from '../testing/combinations.ts';
import { createModel } from '../testing/model.ts';
import { parkBlockers } from './blockers.ts';
import { intentNow, mayWait, settle } from '../testing/walk.ts';

const name = ({ facts, intent }: Case): string => JSON.stringify({ ...facts, intent });

describe('the repair table', () => {
  test('brings every combination to a legal rest, from which a request is served', () => {
    let cases = 0;
    for (const one of combinations()) {
      cases += 1;
      const model = createModel(one.facts);
      const end = settle(model, one.intent);
      if (end.do !== 'rest' && !mayWait(model, end)) throw new Error(`ends in ${JSON.stringify(end)}: ${name(one)}`);
      const wrong = model.complaint();
      if (wrong !== undefined) throw new Error(`${wrong}: ${name(one)} → ${JSON.stringify(model.facts())}`);
    }
    expect(cases).toBeGreaterThan(20_000);
  });

  test('never leaves new connections without a listener on the way, whatever a Service looked like', () => {
    for (const one of combinations()) {
      if (one.facts.dlx !== 'ready' || one.facts.workload === undefined) continue;
      const model = createModel(one.facts);
      let served = model.isServed();
      for (let steps = 0; steps < 60; steps++) {
        const step = nextStep(model.facts(), intentNow(one.intent, model));
        if (step.do === 'rest' || !model.apply(step)) break;
        // A zero that is to be left alone is not served, diverted or not.
        const { workload, ownerIntent, notDivertible } = model.facts();
        // No request waits for what a pause leaves asleep, but others may share the Service.
        if (workload?.phase === 'asleep' && isLeftAsleep(ownerIntent) && notDivertible !== undefined) break;
        if (workload?.replicas === 0 && (workload.phase === 'awake' || !workload.enabled)) break;
        if (served && !model.isServed()) throw new Error(`${JSON.stringify(step)} cut it off: ${name(one)}`);
        served = model.isServed();
      }
    }
  });

  test('forgets what is opted out only when everybody has heard of its Services: until then the DLX must know it', () => {
    let cases = 0;
    for (const one of combinations()) {
      if (one.facts.workload?.enabled !== false || one.facts.dlx === 'gone') continue;
      const model = createModel(one.facts);
      for (let steps = 0; steps < 60; steps++) {
        const before = model.facts();
        const step = nextStep(before, intentNow(one.intent, model));
        if (step.do === 'forget') {
          cases += 1;
          for (const { ours, stableForMs } of before.services)
            if (ours && stableForMs < before.settleMs) throw new Error(`forgotten too soon: ${name(one)}`);
        }
        if (step.do === 'rest' || !model.apply(step)) break;
      }
    }
    expect(cases).toBeGreaterThan(1_000);
  });

  test('cleans up after a workload that is gone', () => {
    for (const service of services) {
      const model = createModel({ ...someFacts(), workload: undefined, services: [service] });
      expect(settle(model, repair)).toEqual({ do: 'rest' });
      expect(model.facts().services).toMatchObject([{ slices: 'none', key: undefined, touched: false }]);
    }
  });

  test('writes replicas only with a test of what was read, and never when it cancels a park', () => {
    for (const { facts, intent } of combinations()) {
      const step = nextStep(facts, intent);
      if (step.do !== 'swap') continue;
      const { phase, replicas = 0 } = facts.workload ?? {};
      const cancels = phase === 'parking' && replicas > 0 && step.to === 'waking';
      const untested = step.replicas !== undefined && step.testReplicas !== replicas;
      if (untested || (cancels && step.replicas !== undefined))
        throw new Error(`${JSON.stringify(step)}: ${name({ facts, intent })}`);
    }
  });

  test('goes to zero only from a confirmed park with everything diverted and settled', () => {
    for (const { facts, intent } of combinations()) {
      for (const stableForMs of [0, 5_000]) {
        for (const serves of [false, true]) {
          const [service] = facts.services as [ServiceFacts];
          const step = nextStep({ ...facts, services: [{ ...service, stableForMs, serves }] }, intent);
          if (step.do !== 'swap' || step.replicas !== 0) continue;
          expect(intent).toMatchObject({ kind: 'park', confirmed: true, epoch: 'now' });
          if (!service.ours) continue;
          expect(stableForMs).toBe(5_000);
          expect(['whole', 'outdated']).toContain(service.slices);
          if (facts.mode !== 'overlay')
            expect({ serves, closed: service.key !== undefined }).toEqual({ serves: false, closed: true });
          if (facts.mode !== 'always') expect(service.sliceEpoch).toBe('now');
        }
      }
    }
  });

  test('never changes the addresses in a slice while a park waits', () => {
    const facts = { ...someFacts(), services: [diverted('now', 'outdated')] };
    const step = nextStep({ ...facts, workload: { ...facts.workload, phase: 'parking' } }, park(false));
    expect(step).toMatchObject({ do: 'wait', for: 'settle' });
  });

  test('cancels a park whose routing changes after the fence', () => {
    const facts = { ...someFacts(), services: [{ ...diverted('now', 'whole'), stableForMs: 10 }] };
    const step = nextStep({ ...facts, workload: { ...facts.workload, phase: 'parking' } }, park(true));
    expect(step).toMatchObject({ do: 'swap', to: 'waking', reason: 'its routing changed after the fence' });
  });
});

test('labels that another client keeps removing are not written again while it runs undiverted', () => {
  const facts = {
    ...someFacts(),
    notDivertible: 'it is contested',
    contested: { what: 'token', quietMs: 0 } as const,
    services: [diverted('now', 'whole')],
  };
  const unknown = { ...facts.workload, phase: undefined, phaseLabel: undefined };
  expect(nextStep({ ...facts, services: [], workload: unknown }, repair)).toEqual({ do: 'rest' });
  expect(nextStep({ ...facts, workload: unknown }, repair)).toMatchObject({ do: 'swap', to: 'waking' });
  const stopped = { ...unknown, replicas: 0, phaseLabel: 'asleep' };
  expect(nextStep({ ...facts, workload: stopped }, repair)).toMatchObject({ do: 'swap', to: 'waking', replicas: 2 });
});

describe('a park', () => {
  test('begins only awake, where nothing blocks it, tests the replicas, and writes none', () => {
    let begun = 0;
    for (const { facts } of combinations()) {
      const step = nextStep(facts, beginning);
      const blocked = parkBlockers(facts).length > 0;
      if (blocked !== (step.do === 'stop')) throw new Error(`${JSON.stringify(step)}: ${JSON.stringify(facts)}`);
      if (blocked) continue;
      begun += 1;
      expect(facts.workload).toMatchObject({ phase: 'awake', enabled: true });
      expect(step).toEqual({ do: 'swap', to: 'parking', testReplicas: 2, wanted: 2, reason: 'it is idle' });
    }
    expect(begun).toBeGreaterThan(10);
  });

  test('that has begun comes to its end where nothing changes', () => {
    for (const { facts, intent } of combinations()) {
      if (intent !== beginning || parkBlockers(facts).length > 0) continue;
      const model = createModel(facts);
      for (let steps = 0; steps < 60 && model.facts().workload?.phase !== 'asleep'; steps++)
        model.apply(nextStep(model.facts(), intentNow(intent, model)));
      expect(model.facts().workload).toMatchObject({ phase: 'asleep', replicas: 0 });
    }
  });

  test('that must not go on is cancelled without a write of replicas, and at zero left to the repair', () => {
    const at = (replicas: number, change: Partial<Facts> = {}, intent: Partial<ParkIntent> = {}) =>
      nextStep(
        { ...someFacts(), ...change, workload: { ...someFacts().workload, phase: 'parking', replicas } },
        { ...park(true), ...intent },
      );
    const cancelled = { do: 'swap', to: 'waking', wanted: 2 };
    expect(at(2, {}, { stopped: 'a request arrived' })).toEqual({ ...cancelled, reason: 'a request arrived' });
    expect(at(2, { dlx: 'none' })).toEqual({ ...cancelled, reason: 'no DLX listens on its ports yet' });
    expect(at(5)).toMatchObject({ ...cancelled, wanted: 5, reason: expect.stringContaining('from 2 to 5') });
    expect(at(0)).toMatchObject({ do: 'stop', reason: expect.stringContaining('from 2 to 0') });
    expect(at(0, {}, { stopped: 'a request arrived' })).toEqual({ do: 'stop', reason: 'a request arrived' });
  });
});

describe('a zero that another client set', () => {
  const at = (phase: Phase, change: Partial<Facts> = {}): Step => {
    const facts = { ...someFacts(), ...change };
    return nextStep({ ...facts, workload: { ...facts.workload, phase, replicas: 0, wanted: 3 } as never }, repair);
  };

  test('is followed in every phase, tested, and what a wake brings back is kept', () => {
    for (const phase of ['awake', 'parking', 'waking'] as const) {
      const followed = { do: 'swap', to: 'asleep', testReplicas: 0, wanted: 3, reason: followedZero };
      expect(at(phase)).toEqual(followed);
    }
  });

  test('has slices and a key of its own: those from before may be on their way out', () => {
    const asleep = { ...someFacts().workload, phase: 'asleep' as const, replicas: 0, followed: true };
    const facts = { ...someFacts(), mode: 'overlay' as const, workload: asleep };
    const of = (epoch: string) => ({ ...facts, services: [{ ...diverted(epoch, 'whole'), key: undefined }] });
    expect(nextStep(of('before'), repair)).toMatchObject({ do: 'write-slices', epoch: 'now', forKey: false });
    expect(nextStep(of('now'), repair)).toEqual({ do: 'rest' });
    expect(nextStep({ ...of('before'), workload: { ...asleep, followed: false } }, repair)).toEqual({ do: 'rest' });
    const keyed = { ...diverted('now', 'whole'), key: 'before', keyMayCome: true };
    const closed = { ...facts, mode: 'selector' as const, services: [keyed] };
    expect(nextStep(closed, repair)).toEqual({ do: 'add-key', service: 'web', epoch: 'now' });
    expect(nextStep({ ...closed, mode: 'always' }, repair)).toEqual({ do: 'rest' });
  });

  test('is left alone where nothing could hold its requests, or the resource says so', () => {
    expect(at('awake', { followZero: false })).toEqual({ do: 'rest' });
    expect(at('awake', { notDivertible: 'it is shared' })).toEqual({ do: 'rest' });
    expect(at('awake', { dlx: 'none' })).toEqual({ do: 'rest' });
  });
});

describe('what another client stopped while something of ours is contested', () => {
  const at = (change: Partial<Facts>, known: Phase | 'unknown' = 'asleep'): Step => {
    const facts = { ...someFacts(), usable: false, ...change };
    const phase = known === 'unknown' ? undefined : known;
    const workload = { ...facts.workload, phase, phaseLabel: phase, replicas: 0, wanted: 3 };
    return nextStep({ ...facts, workload } as Facts, repair);
  };
  const none: ServiceFacts = { ...diverted('now', 'none'), sliceEpoch: undefined, key: undefined };

  test('is diverted by slices alone where the key is what is taken away', () => {
    for (const mode of ['selector', 'always'] as const) {
      const contested = { what: 'key', quietMs: 0 } as const;
      expect(at({ mode, contested }, 'awake')).toMatchObject({ do: 'swap', to: 'asleep', reason: followedZero });
      expect(at({ mode, contested, services: [none] })).toMatchObject({ do: 'write-slices' });
      expect(at({ mode, contested, services: [{ ...none, slices: 'whole' }] })).toEqual({ do: 'rest' });
    }
  });

  test('has slices that are deleted written again, each time after a pause', () => {
    const services = [none];
    expect(at({ services, contested: { what: 'slices', quietMs: 1_000 } })).toEqual({
      ...{ do: 'wait', for: 'settle', forMs: 4_000 },
    });
    expect(at({ services, contested: { what: 'slices', quietMs: 5_000 } })).toMatchObject({ do: 'write-slices' });
  });

  test('is kept diverted without labels where the labels are what is taken away', () => {
    const contested = { what: 'token', quietMs: 0 } as const;
    expect(at({ contested, services: [none] }, 'unknown')).toMatchObject({ do: 'swap', to: 'asleep' });
    const outdated = { ...none, slices: 'outdated' } as const;
    expect(at({ contested, mode: 'overlay', services: [outdated] }, 'unknown')).toMatchObject({ do: 'write-slices' });
    const whole = { ...none, slices: 'whole' } as const;
    expect(at({ contested, mode: 'overlay', services: [whole] }, 'unknown')).toEqual({ do: 'rest' });
  });
});

describe('a wake that its controller has not seen', () => {
  const at = (forMs: number, touched: number, change: Partial<Facts> = {}): Step => {
    const workload = { ...someFacts().workload, phase: 'waking' as const };
    return nextStep({ ...someFacts(), usable: false, unseen: { forMs, touched }, ...change, workload }, repair);
  };
  const waits = { do: 'wait', for: 'endpoints', forMs: 500 };

  test('is told to it again after 5 s, then later and later, six times at most', () => {
    expect(at(4_999, 0)).toEqual(waits);
    expect(at(5_000, 0)).toEqual({ do: 'touch', times: 1 });
    expect([at(9_999, 1), at(10_000, 1)]).toEqual([waits, { do: 'touch', times: 2 }]);
    expect([at(59_999, 5), at(60_000, 5)]).toEqual([waits, { do: 'touch', times: 6 }]);
    expect(at(3_600_000, 6)).toEqual(waits);
  });

  test('is left alone where it has pods that serve, or nobody knows how often it was told', () => {
    expect(at(60_000, 0, { usable: true })).toMatchObject({ do: 'swap', to: 'awake' });
    expect(at(60_000, NaN)).toEqual(waits);
  });
});

test('a Service of a revision without pods is handed back with the others, once all have heard of it', () => {
  const facts = { ...someFacts(), mode: 'overlay' as const };
  const at = (service: Partial<ServiceFacts>): Step => {
    const services = [{ ...diverted('now', 'whole'), key: undefined, ...service }];
    return nextStep({ ...facts, services, workload: { ...facts.workload, phase: 'waking' } }, repair);
  };
  expect(at({})).toMatchObject({ do: 'wait', for: 'endpoints' });
  expect(at({ leadsNowhere: true, stableForMs: 4_000 })).toEqual({ do: 'wait', for: 'settle', forMs: 1_000 });
  expect(at({ leadsNowhere: true, stableForMs: 5_000 })).toEqual({ do: 'delete-slices', service: 'web' });
});

describe("the wake's rows", () => {
  const workload = someFacts().workload;

  test('start a sleeper with max(current, wanted), tested', () => {
    expect(
      wakeStep({ ...workload, phase: 'asleep', replicas: 0 }, { followZero: true, pause: undefined }, 3, ''),
    ).toMatchObject({
      replicas: 3,
      testReplicas: 0,
    });
  });

  test('leave replicas that another client wrote while it slept, also where they are fewer than before', () => {
    for (const pause of [undefined, 'asleep'] as const) {
      const step = wakeStep({ ...workload, phase: 'asleep', replicas: 2 }, { followZero: true, pause }, 3, '');
      expect(step).toEqual({ do: 'swap', to: 'waking', wanted: 2, reason: '' });
    }
  });

  test('cancel a park without writing replicas', () => {
    const step = wakeStep(
      { ...workload, phase: 'parking', replicas: 4 },
      { followZero: true, pause: undefined },
      3,
      '',
    );
    expect(step).toEqual({ do: 'swap', to: 'waking', wanted: 4, reason: '' });
  });

  test('cancel a park without taking back what an HPA took away meanwhile', () => {
    const step = wakeStep(
      { ...workload, phase: 'parking', replicas: 1 },
      { followZero: true, pause: undefined },
      3,
      '',
    );
    expect(step).toEqual({ do: 'swap', to: 'waking', wanted: 1, reason: '' });
  });

  test('join what is awake or waking, and start it when it has no replicas after all', () => {
    for (const phase of ['awake', 'waking', undefined] as const) {
      expect(wakeStep({ ...workload, phase, replicas: 1 }, { followZero: true, pause: undefined }, 3, '')).toEqual({
        do: 'join',
      });
      expect(
        wakeStep({ ...workload, phase, replicas: 0 }, { followZero: true, pause: undefined }, 3, ''),
      ).toMatchObject({ to: 'waking', replicas: 3 });
    }
  });

  test("respect another client's zero where the resource says so, but never our own", () => {
    expect(
      wakeStep({ ...workload, phase: 'awake', replicas: 0 }, { followZero: false, pause: undefined }, 3, ''),
    ).toEqual({ do: 'refuse' });
    expect(
      wakeStep({ ...workload, phase: 'asleep', replicas: 0 }, { followZero: false, pause: undefined }, 3, ''),
    ).toMatchObject({ to: 'waking' });
    expect(
      wakeStep(
        { ...workload, phase: undefined, phaseLabel: 'asleep', replicas: 0 },
        { followZero: false, pause: undefined },
        3,
        '',
      ),
    ).toMatchObject({
      to: 'waking',
    });
  });
});

function park(confirmed: boolean): ParkIntent {
  return { kind: 'park', epoch: 'now', reason: 'it is idle', replicas: 2, confirmed };
}

function diverted(epoch: string, slices: SliceFacts): ServiceFacts {
  const routed = { slices, sliceEpoch: epoch, key: epoch, keyMayCome: false, touched: false };
  return { name: 'web', ours: true, ...routed, serves: false, stableForMs: 0 };
}
