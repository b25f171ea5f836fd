import { describe, expect, test } from '@jest/globals';
import type { Phase } from '@scaler/scaler-types';
import type { Facts, RoutingMode, ServiceFacts, SliceFacts } from './facts.ts';
import type { Step } from './step.ts';
import { followedZero, type Intent, nextStep, repair, wakeStep } from './table.ts';
import { createModel, type Model } from './testing/model.ts';

const phases: readonly (Phase | undefined)[] = [undefined, 'awake', 'parking', 'asleep', 'waking'];
const modes: readonly RoutingMode[] = ['overlay', 'selector', 'always'];
const sliceStates: readonly SliceFacts[] = ['none', 'whole', 'outdated', 'broken'];
const keyStates = [undefined, 'now', 'old'] as const;
const services: readonly ServiceFacts[] = sliceStates.flatMap((slices) =>
  keyStates.flatMap((key) =>
    [true, false].flatMap((ours) =>
      (slices === 'none' ? ['old'] : ['now', 'old']).map((sliceEpoch) => ({
        name: 'web',
        ours,
        slices,
        sliceEpoch: slices === 'none' ? undefined : sliceEpoch,
        key,
        serves: false,
        stableForMs: 0,
      })),
    ),
  ),
);

interface Case {
  readonly facts: Facts;
  readonly intent: Intent;
}

/** Every combination of what the table looks at, for one Service. */
function* combinations(): Generator<Case> {
  for (const phase of phases)
    for (const replicas of [0, 2])
      for (const mode of modes)
        for (const service of services)
          for (const dlx of ['ready', 'none', 'gone'] as const)
            for (const refused of [undefined, 'it is shared'])
              for (const [enabled, portsLabelled, followZero] of [
                [true, true, true],
                [true, true, false],
                [true, false, true],
                [false, true, true],
              ] as const)
                for (const reachable of [true, false, undefined])
                  for (const intent of intents(phase, replicas)) {
                    yield {
                      facts: {
                        workload: {
                          phase,
                          epoch: 'now',
                          phaseLabel: phase ?? 'asleep',
                          marked: true,
                          enabled,
                          replicas,
                          wanted: 3,
                          portsLabelled,
                        },
                        mode,
                        followZero,
                        settleMs: 5_000,
                        refused,
                        services: [service],
                        dlx,
                        usable: false,
                        reachable,
                      },
                      intent,
                    };
                  }
}

function intents(phase: Phase | undefined, replicas: number): Intent[] {
  if (phase !== 'parking') return [repair];
  const park = { kind: 'park', epoch: 'now', replicas: 2 } as const;
  return [
    repair,
    { ...park, confirmed: false },
    { ...park, confirmed: true },
    { ...park, epoch: 'lost', confirmed: false },
    ...(replicas === 2 ? [{ ...park, replicas: 1, confirmed: false } as const] : []),
  ];
}

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
        if (step.do === 'rest' || !model.perform(step)) break;
        // A zero that is to be left alone is not served, diverted or not.
        const { workload } = model.facts();
        if (workload?.replicas === 0 && (workload.phase === 'awake' || !workload.enabled)) break;
        if (served && !model.isServed()) throw new Error(`${JSON.stringify(step)} cut it off: ${name(one)}`);
        served = model.isServed();
      }
    }
  });

  test('cleans up after a workload that is gone', () => {
    for (const service of services) {
      const model = createModel({ ...someFacts(), workload: undefined, services: [service] });
      expect(settle(model, repair)).toEqual({ do: 'rest' });
      expect(model.facts().services).toMatchObject([{ slices: 'none', key: undefined }]);
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
    expect(step).toMatchObject({ do: 'swap', to: 'waking', why: 'its routing changed after the fence' });
  });
});

describe('a zero that somebody else set', () => {
  const at = (phase: Phase, change: Partial<Facts> = {}): Step => {
    const facts = { ...someFacts(), ...change };
    return nextStep({ ...facts, workload: { ...facts.workload, phase, replicas: 0, wanted: 3 } as never }, repair);
  };

  test('is followed in every phase, tested, and what a wake brings back is kept', () => {
    for (const phase of ['awake', 'parking', 'waking'] as const) {
      const followed = { do: 'swap', to: 'asleep', testReplicas: 0, wanted: 3, why: followedZero };
      expect(at(phase)).toEqual(followed);
    }
  });

  test('is left alone where nothing could hold its requests, or the resource says so', () => {
    expect(at('awake', { followZero: false })).toEqual({ do: 'rest' });
    expect(at('awake', { refused: 'it is shared' })).toEqual({ do: 'rest' });
    expect(at('awake', { dlx: 'none' })).toEqual({ do: 'rest' });
  });
});

describe("the wake's rows", () => {
  const workload = someFacts().workload;

  test('start a sleeper with max(current, wanted), tested', () => {
    expect(wakeStep({ ...workload, phase: 'asleep', replicas: 0 }, true, 3, '')).toMatchObject({
      replicas: 3,
      testReplicas: 0,
    });
  });

  test('cancel a park without writing replicas', () => {
    const step = wakeStep({ ...workload, phase: 'parking', replicas: 4 }, true, 3, '');
    expect(step).toEqual({ do: 'swap', to: 'waking', wanted: 4, why: '' });
  });

  test('cancel a park without taking back what an HPA took away meanwhile', () => {
    const step = wakeStep({ ...workload, phase: 'parking', replicas: 1 }, true, 3, '');
    expect(step).toEqual({ do: 'swap', to: 'waking', wanted: 1, why: '' });
  });

  test('join what is awake or waking, and start it when it has no replicas after all', () => {
    for (const phase of ['awake', 'waking', undefined] as const) {
      expect(wakeStep({ ...workload, phase, replicas: 1 }, true, 3, '')).toEqual({ do: 'join' });
      expect(wakeStep({ ...workload, phase, replicas: 0 }, true, 3, '')).toMatchObject({ to: 'waking', replicas: 3 });
    }
  });

  test("respect somebody else's zero where the resource says so, but never our own", () => {
    expect(wakeStep({ ...workload, phase: 'awake', replicas: 0 }, false, 3, '')).toEqual({ do: 'refuse' });
    expect(wakeStep({ ...workload, phase: 'asleep', replicas: 0 }, false, 3, '')).toMatchObject({ to: 'waking' });
    expect(wakeStep({ ...workload, phase: undefined, phaseLabel: 'asleep', replicas: 0 }, false, 3, '')).toMatchObject({
      to: 'waking',
    });
  });
});

function park(confirmed: boolean): Intent {
  return { kind: 'park', epoch: 'now', replicas: 2, confirmed };
}

function diverted(epoch: string, slices: SliceFacts): ServiceFacts {
  return { name: 'web', ours: true, slices, sliceEpoch: epoch, key: epoch, serves: false, stableForMs: 0 };
}

function someFacts() {
  return {
    workload: {
      phase: 'awake' as Phase | undefined,
      epoch: 'now',
      phaseLabel: 'awake',
      marked: true,
      enabled: true,
      replicas: 2,
      wanted: 2,
      portsLabelled: true,
    },
    mode: 'selector' as RoutingMode,
    followZero: true,
    settleMs: 5_000,
    refused: undefined,
    services: [] as ServiceFacts[],
    dlx: 'ready' as const,
    usable: true,
    reachable: true,
  };
}

/** Runs the loop until it rests or waits for something that will not come by itself. */
function settle(model: Model, intent: Intent): Step {
  for (let steps = 0; steps < 60; steps++) {
    const step = nextStep(model.facts(), intentNow(intent, model));
    if (step.do === 'rest' || !model.perform(step)) return step;
  }
  throw new Error(`does not come to rest: ${JSON.stringify(model.facts())}`);
}

function intentNow(intent: Intent, model: Model): Intent {
  return intent.kind === 'park' ? { ...intent, confirmed: intent.confirmed || model.confirmed() } : intent;
}

/** A DLX that is not there, or does not reach the pods: nothing to do but wait. */
function mayWait(model: Model, step: Step): boolean {
  if (step.do !== 'wait') return false;
  const { dlx, reachable } = model.facts();
  return (step.for === 'dlx' && dlx !== 'ready') || (step.for === 'reach' && reachable !== true);
}
