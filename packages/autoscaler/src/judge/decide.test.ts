import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@scaler/scaler-types';
import fc from 'fast-check';
import type { Sample } from '../sources/sample.ts';
import { wantsOf } from '../sources/want.ts';
import { aResource, factsFor, now, samplesFor, wantSettings } from '../testing/facts.ts';
import { afterAttempt } from './attempts.ts';
import { decide } from './decide.ts';
import { emptyMemory } from './memory.ts';

const idle: Sample = { known: true, value: 0, ageMs: 0 };

function decideOne(resource: Resource, sample: Sample = idle, changes: Parameters<typeof factsFor>[1] = {}) {
  const [decision] = decide([resource], samplesFor([resource], sample), factsFor([resource], changes));
  if (!decision) throw new Error('no decision');
  return decision;
}

describe('what is parked', () => {
  test('a resource that is idle by its metric, with the value, the threshold and the window as reason', () => {
    const decision = decideOne(aResource());
    expect(decision.action).toBe('park');
    expect(decision.reasons).toEqual([
      'requests_per_1m is 0, not above 0, for 1m',
      'requests at the DLX is 0, not above 0, for 1m',
    ]);
  });

  test('a resource that is idle by the DLX alone, where the DLX sees all', () => {
    expect(decideOne(aResource({ scaleResources: [], dlxSeesAll: true })).action).toBe('park');
  });

  test('not a resource without a metric whose connections may bypass the DLX', () => {
    const decision = decideOne(aResource({ scaleResources: [] }));
    expect(decision).toMatchObject({ action: 'stay', reasons: [expect.stringContaining('may bypass the DLX')] });
  });
});

describe('what stays', () => {
  test.each([undefined, 'parking', 'asleep', 'waking'] as const)('phase %s', (phase) => {
    const { phase: _, ...rest } = aResource();
    const resource: Resource = phase === undefined ? rest : { ...rest, phase };
    const { action, reasons } = decideOne(resource);
    expect(action).toBe('stay');
    expect(reasons.join()).toContain(phase ?? 'phase is not known');
  });

  test.each<[string, Partial<Resource>, string]>([
    ['blocked', { blocked: 'two workloads share the Service web' }, 'blocked: two workloads share the Service web'],
    ['no replicas although awake', { replicas: 0 }, 'left to be repaired'],
    ['an event of which the time is no time', { lastScaleEventTime: 'yesterday' }, '"yesterday", is not a time'],
    ['threshold NaN', { scaleResources: [{ metricName: 'r', windowSize: 1, threshold: NaN }] }, 'threshold NaN'],
    ['window 0', { scaleResources: [{ metricName: 'r', windowSize: 0, threshold: 0 }] }, 'window of 0 ms'],
  ])('%s', (_name, changes, reason) => {
    const decision = decideOne(aResource(changes));
    expect(decision.action).toBe('stay');
    expect(decision.reasons.join('\n')).toContain(reason);
  });

  test.each<[string, Sample, string]>([
    ['unknown', { known: false, reason: 'no-api: the group is absent' }, 'no-api: the group is absent'],
    ['NaN', { known: true, value: NaN, ageMs: 0 }, 'NaN is not a number'],
    ['infinite', { known: true, value: Infinity, ageMs: 0 }, 'is not a number'],
    ['stale', { known: true, value: 0, ageMs: 61_001 }, 'stale, from 1m1s1ms ago'],
    ['from the future', { known: true, value: 0, ageMs: -61_001 }, 'clock that is ahead'],
    ['of unknown age', { known: true, value: 0, ageMs: NaN }, 'age is not known'],
    ['above its threshold', { known: true, value: 0.1, ageMs: 0 }, 'requests_per_1m is 0.1, above 0'],
  ])('a sample that is %s', (_name, sample, reason) => {
    const decision = decideOne(aResource(), sample);
    expect(decision.action).toBe('stay');
    expect(decision.reasons.join('\n')).toContain(reason);
  });

  test('a resource whose sample has been known for less than its window', () => {
    const since = { wallMs: now.wallMs - 59_999, monotonicMs: now.monotonicMs - 59_999 };
    const known = new Map(wantsOf(aResource(), wantSettings).map(({ key }) => [key, { since, last: now }]));
    const { action, reasons } = decideOne(aResource(), idle, { memory: { ...emptyMemory, known } });
    expect(action).toBe('stay');
    expect(reasons[0]).toContain('known only since 2025-12-31T23:59:00Z, less than its window');
  });

  test('a resource that nobody has heard of for too long, or that is being parked', () => {
    const doubts = new Map([['default/web', 'nothing was heard']]);
    expect(decideOne(aResource(), idle, { doubts }).reasons).toEqual(['unknown: nothing was heard']);
    const parking = new Set(['default/web']);
    expect(decideOne(aResource(), idle, { parking }).reasons).toEqual(['a park is under way']);
  });

  test('a resource that cannot be judged at all, and the next one is decided', () => {
    const broken = aResource({ name: 'broken', scaleResources: [null] as never });
    const good = aResource();
    const [first, second] = decide([broken, good], samplesFor([good], idle), factsFor([good]));
    expect(first).toMatchObject({ action: 'stay', reasons: [expect.stringContaining('cannot be judged')] });
    expect(second).toMatchObject({ action: 'park' });
  });
});

describe('cooldown', () => {
  const eventAgo = (ms: number): Partial<Resource> => ({
    lastScaleEvent: 'scaleFromZeroCompleted',
    lastScaleEventTime: new Date(now.wallMs - ms).toISOString(),
  });

  test('lasts the whole time after the last scale event, and no longer', () => {
    expect(decideOne(aResource(eventAgo(59_999)))).toMatchObject({
      action: 'stay',
      reasons: ['cooldown until 2026-01-01T00:00:00Z after scaleFromZeroCompleted at 2025-12-31T23:59:00Z'],
    });
    expect(decideOne(aResource(eventAgo(60_000))).action).toBe('park');
  });

  test('takes the time that the resource names', () => {
    expect(decideOne(aResource({ ...eventAgo(60_000), cooldownMs: 60_001 })).action).toBe('stay');
    expect(decideOne(aResource({ ...eventAgo(1), cooldownMs: 0 })).action).toBe('park');
  });

  test('begins with a wake that was seen, where the scaler tells of no event', () => {
    const wokeAt = { wallMs: now.wallMs - 59_999, monotonicMs: now.monotonicMs - 59_999 };
    const { memory } = factsFor([aResource()]);
    const changes = { memory: { ...memory, wokeAt: new Map([['default/web', wokeAt]]) } };
    expect(decideOne(aResource(), idle, changes).reasons[0]).toContain('after it became awake');
  });

  test('doubles with each attempt in a row that did not end in sleep, up to its bound', () => {
    const backOff = { firstMs: 60_000, longestMs: 3_600_000 };
    let attempts = afterAttempt(undefined, 'cancelled', now, backOff);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      waits.push((attempts.notBefore.monotonicMs - now.monotonicMs) / 60_000);
      attempts = afterAttempt(attempts, 'cancelled', now, backOff);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('after attempts tells how many and why', () => {
    const attempts = afterAttempt(
      afterAttempt(undefined, 'x', now, { firstMs: 1, longestMs: 10 }),
      'cancelled: DLX dlx-1 has 1 held',
      now,
      { firstMs: 60_000, longestMs: 3_600_000 },
    );
    const { reasons } = decideOne(aResource(), idle, { attempts: new Map([['default/web', attempts]]) });
    expect(reasons).toEqual([
      'not tried again until 2026-01-01T00:02:00Z: 2 times in a row, cancelled: DLX dlx-1 has 1 held',
    ]);
  });
});

describe('whatever the input', () => {
  const numbers = fc.oneof(fc.double(), fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, NaN, Infinity, -Infinity));
  const windows = fc.constantFrom(1_000, 60_000, 300_000);
  const metrics = fc.record({
    metricName: fc.constantFrom('a', 'b', 'c'),
    windowSize: windows,
    threshold: fc.oneof(numbers, fc.constantFrom(0, 0.5, 1, 2)),
  });
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const rare = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ arbitrary: fc.constant(undefined), weight: 5 }, { arbitrary, weight: 1 });
  const resources = fc
    .record({
      name: fc.constantFrom('x', 'y', 'z'),
      phase: fc.option(
        fc.constantFrom('awake', 'awake', 'awake', 'awake', 'awake', 'awake', 'parking', 'asleep', 'waking'),
        { nil: undefined, freq: 9 },
      ),
      replicas: optional(fc.integer({ min: 0, max: 9 })),
      scaleResources: fc.array(metrics, { maxLength: 3 }),
      dlxSeesAll: optional(fc.boolean()),
      idleAfterMs: optional(windows),
      cooldownMs: optional(fc.nat(100_000)),
      blocked: rare(fc.constantFrom('', 'shared')),
      lastScaleEventTime: rare(
        fc.oneof(
          fc.integer({ min: -200_000, max: 200_000 }).map((ms) => new Date(now.wallMs + ms).toISOString()),
          fc.string(),
        ),
      ),
    })
    .map((fields) => {
      const given = Object.entries(fields).filter(([, value]) => value !== undefined);
      return { namespace: 'n', targets: [], ...Object.fromEntries(given) } as unknown as Resource;
    });
  const samples: fc.Arbitrary<Sample> = fc.oneof(
    fc.record({
      known: fc.constant(true as const),
      value: numbers,
      ageMs: fc.integer({ min: -400_000, max: 400_000 }),
    }),
    ...Array.from({ length: 8 }, () => fc.constant<Sample>({ known: true, value: 0, ageMs: 0 })),
    fc.constant<Sample>({ known: false, reason: 'because' }),
  );
  const scene = fc
    .tuple(resources, fc.array(samples, { minLength: 4, maxLength: 4 }), fc.nat(400_000))
    .map(([resource, list, knownForMs]) => {
      const wants = wantsOf(resource, wantSettings);
      const since = { wallMs: now.wallMs - knownForMs, monotonicMs: now.monotonicMs - knownForMs };
      const known = new Map(wants.map(({ key }) => [key, { since, last: now }]));
      const told = new Map(wants.map(({ key }, index) => [key, list[index % list.length] as Sample]));
      return { resource, wants, told, facts: factsFor([], { memory: { ...emptyMemory, known } }) };
    });
  const actionOf = ({ resource, told, facts }: { resource: Resource; told: Map<string, Sample>; facts: never }) =>
    decide([resource], told, facts)[0]?.action;

  test('there is one decision per resource, in order, with a reason', () => {
    fc.assert(
      fc.property(fc.array(scene, { maxLength: 5 }), (scenes) => {
        const all = scenes.map(({ resource }) => resource);
        const told = new Map(scenes.flatMap((one) => [...one.told]));
        const decisions = decide(all, told, factsFor(all));
        expect(decisions.map(({ resource }) => resource.name)).toEqual(all.map(({ name }) => name));
        expect(decisions.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
    );
  });

  test('the same input gives the same output, and the input is left as it was', () => {
    fc.assert(
      fc.property(scene, ({ resource, told, facts }) => {
        const before = structuredClone({ resource, told });
        expect(decide([resource], told, facts)).toEqual(decide([resource], told, facts));
        expect({ resource, told }).toEqual(before);
      }),
    );
  });

  test('a park has every sample known, fresh, whole and at or below its threshold', () => {
    let parks = 0;
    fc.assert(
      fc.property(scene, ({ resource, wants, told, facts }) => {
        const [decision] = decide([resource], told, facts);
        if (decision?.action !== 'park') return;
        parks += 1;
        expect(resource.phase).toBe('awake');
        for (const want of wants) {
          const sample = told.get(want.key);
          expect(sample).toMatchObject({ known: true });
          expect((sample as { value: number }).value).toBeLessThanOrEqual(want.metric.threshold);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(parks).toBeGreaterThan(100);
  });

  test('making any one sample unknown never parks what stayed, and never leaves a park', () => {
    fc.assert(
      fc.property(scene, fc.nat(), ({ resource, wants, told, facts }, index) => {
        const spoiled = new Map(told);
        spoiled.set(wants[index % wants.length]?.key ?? '', { known: false, reason: 'spoiled' });
        expect(decide([resource], spoiled, facts)[0]?.action).toBe('stay');
      }),
      { numRuns: 500 },
    );
  });

  test('a higher threshold never keeps awake what a lower one parks', () => {
    fc.assert(
      fc.property(scene, fc.double({ min: 0, noNaN: true }), ({ resource, told, facts }, more) => {
        if (decide([resource], told, facts)[0]?.action !== 'park') return;
        const scaleResources = resource.scaleResources.map((metric) => ({
          ...metric,
          threshold: metric.threshold + more,
        }));
        if (scaleResources.some(({ threshold }) => !Number.isFinite(threshold))) return;
        expect(decide([{ ...resource, scaleResources }], told, facts)[0]?.action).toBe('park');
      }),
      { numRuns: 2_000 },
    );
  });

  test('nothing is parked inside its cooldown', () => {
    fc.assert(
      fc.property(
        scene,
        fc.integer({ min: 1, max: 100_000 }),
        fc.nat(99_999),
        ({ resource, told, facts }, cooldownMs, ago) => {
          const lastScaleEventTime = new Date(now.wallMs - (ago % cooldownMs)).toISOString();
          const [decision] = decide([{ ...resource, cooldownMs, lastScaleEventTime }], told, facts);
          expect(decision?.action).toBe('stay');
        },
      ),
    );
  });

  test('an arbitrary object in place of a resource stays awake', () => {
    fc.assert(
      fc.property(fc.object(), (anything) => {
        expect(
          actionOf({
            resource: { ...anything, phase: 'awake' } as never,
            told: new Map(),
            facts: factsFor([]) as never,
          }),
        ).toBe('stay');
      }),
    );
  });
});
