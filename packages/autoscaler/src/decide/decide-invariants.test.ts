import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@scaler/scaler-types';
import fc from 'fast-check';
import type { Sample } from '../collect/sample.ts';
import { wantsOf } from '../collect/want.ts';
import { factsFor, now, wantSettings } from '../testing/facts.ts';
import { decide } from './decide.ts';
import { emptyMemory } from './memory.ts';

describe('for any input', () => {
  const numbers = fc.oneof(fc.double(), fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, NaN, Infinity, -Infinity));
  const windows = fc.constantFrom(1_000, 60_000, 300_000);
  const metrics = fc.record({
    metricName: fc.constantFrom('a', 'b', 'c'),
    windowSize: windows,
    threshold: fc.oneof(numbers, fc.constantFrom(0, 0.5, 1, 2)),
  });
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const rare = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ arbitrary: fc.constant(undefined), weight: 20 }, { arbitrary, weight: 1 });
  const times = fc.integer({ min: -200_000, max: 200_000 }).map((ms) => new Date(now.wallMs + ms).toISOString());
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
      minAwakeMs: rare(fc.integer({ min: 0, max: 200_000 })),
      awakeSince: rare(times),
      pause: rare(
        fc.record(
          { mode: fc.constantFrom('awake', 'as-is'), until: fc.oneof(times, fc.string()) },
          { requiredKeys: ['mode'] },
        ),
      ),
      busyUntil: rare(fc.oneof(times, fc.string())),
      dryRun: rare(fc.boolean()),
      blocked: rare(fc.constantFrom('', 'shared')),
      lastScaleEventTime: rare(fc.oneof(times, fc.string())),
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
      const known = new Map(wants.map(({ key }) => [key, { since, peaks: [] }]));
      const given = new Map(wants.map(({ key }, index) => [key, list[index % list.length] as Sample]));
      return { resource, wants, given, facts: factsFor([], { memory: { ...emptyMemory, known } }) };
    });
  const actionOf = ({ resource, given, facts }: { resource: Resource; given: Map<string, Sample>; facts: never }) =>
    decide([resource], given, facts)[0]?.action;

  test('there is one decision per resource, in order, with a reason', () => {
    fc.assert(
      fc.property(fc.array(scene, { maxLength: 5 }), (scenes) => {
        const all = scenes.map(({ resource }) => resource);
        const given = new Map(scenes.flatMap((one) => [...one.given]));
        const decisions = decide(all, given, factsFor(all));
        expect(decisions.map(({ resource }) => resource.name)).toEqual(all.map(({ name }) => name));
        expect(decisions.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
    );
  });

  test('the same input gives the same output, and the input is left as it was', () => {
    fc.assert(
      fc.property(scene, ({ resource, given, facts }) => {
        const before = structuredClone({ resource, given });
        expect(decide([resource], given, facts)).toEqual(decide([resource], given, facts));
        expect({ resource, given }).toEqual(before);
      }),
    );
  });

  test('a park has every sample known, fresh, whole and at or below its threshold', () => {
    let parks = 0;
    fc.assert(
      fc.property(scene, ({ resource, wants, given, facts }) => {
        const [decision] = decide([resource], given, facts);
        if (decision?.action !== 'park') return;
        parks += 1;
        expect(resource.phase).toBe('awake');
        for (const want of wants) {
          const sample = given.get(want.key);
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
      fc.property(scene, fc.nat(), ({ resource, wants, given, facts }, index) => {
        const spoiled = new Map(given);
        spoiled.set(wants[index % wants.length]?.key ?? '', { known: false, reason: 'spoiled' });
        expect(decide([resource], spoiled, facts)[0]?.action).toBe('stay');
      }),
      { numRuns: 500 },
    );
  });

  test('a higher threshold never keeps awake what a lower one parks', () => {
    fc.assert(
      fc.property(scene, fc.double({ min: 0, noNaN: true }), ({ resource, given, facts }, more) => {
        if (decide([resource], given, facts)[0]?.action !== 'park') return;
        const scaleResources = resource.scaleResources.map((metric) => ({
          ...metric,
          threshold: metric.threshold + more,
        }));
        if (scaleResources.some(({ threshold }) => !Number.isFinite(threshold))) return;
        expect(decide([{ ...resource, scaleResources }], given, facts)[0]?.action).toBe('park');
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
        ({ resource, given, facts }, cooldownMs, ago) => {
          const lastScaleEventTime = new Date(now.wallMs - (ago % cooldownMs)).toISOString();
          const [decision] = decide([{ ...resource, cooldownMs, lastScaleEventTime }], given, facts);
          expect(decision?.action).toBe('stay');
        },
      ),
    );
  });

  // A pause asleep is the one thing that outweighs samples, and none of these.
  const pauseOrNone = fc.option(fc.constant({ mode: 'asleep' } as const), { nil: undefined });
  const aheadMs = fc.integer({ min: 1, max: 10 ** 9 });

  test.each<[string, (ms: number) => Partial<Resource>]>([
    ['a busy lease', (ms) => ({ busyUntil: new Date(now.wallMs + ms).toISOString() })],
    ['its minimum awake time', (ms) => ({ minAwakeMs: ms, awakeSince: new Date(now.wallMs).toISOString() })],
    ['a cooldown', (ms) => ({ cooldownMs: ms, lastScaleEventTime: new Date(now.wallMs).toISOString() })],
  ])('nothing is parked inside %s, whatever pause there is', (_name, changes) => {
    fc.assert(
      fc.property(scene, pauseOrNone, aheadMs, ({ resource, given, facts }, pause, ms) => {
        const intended = { ...resource, ...(pause && { pause }), ...changes(ms) };
        expect(decide([intended], given, facts)[0]?.action).toBe('stay');
      }),
    );
  });

  test('nothing is parked inside a pause awake or as it is', () => {
    const pauses = fc.record({ mode: fc.constantFrom('awake' as const, 'as-is' as const), ms: fc.option(aheadMs) });
    fc.assert(
      fc.property(scene, pauses, ({ resource, given, facts }, { mode, ms }) => {
        const until = ms === null ? {} : { until: new Date(now.wallMs + ms).toISOString() };
        expect(decide([{ ...resource, pause: { mode, ...until } }], given, facts)[0]?.action).toBe('stay');
      }),
    );
  });

  test('a pause asleep parks nothing that another reason than its samples keeps awake', () => {
    fc.assert(
      fc.property(scene, ({ resource, given, facts }) => {
        const { pause: _, ...rest } = resource;
        const all = new Map([...given.keys()].map((key) => [key, { known: true, value: -1e9, ageMs: 0 } as const]));
        const paused = decide([{ ...rest, pause: { mode: 'asleep' } }], given, facts)[0];
        const idle = decide([rest], all, facts)[0];
        if (idle?.action !== 'stay') expect(paused?.action).toBe(idle?.action);
        if (paused?.action === 'stay') expect(idle?.action).toBe('stay');
      }),
    );
  });

  test('a dry run changes the name of what is decided, and nothing else', () => {
    fc.assert(
      fc.property(scene, ({ resource: { dryRun: _, ...resource }, given, facts }) => {
        const [wet] = decide([resource], given, facts);
        const action = wet?.action === 'park' ? 'would-park' : wet?.action;
        expect(decide([{ ...resource, dryRun: true }], given, facts)).toEqual([{ ...wet, action }]);
        expect(decide([resource], given, { ...facts, dryRun: true })).toEqual([{ ...wet, action }]);
      }),
    );
  });

  test('an arbitrary object in place of a resource stays awake', () => {
    fc.assert(
      fc.property(fc.object(), (anything) => {
        expect(
          actionOf({
            resource: { ...anything, phase: 'awake' } as never,
            given: new Map(),
            facts: factsFor([]) as never,
          }),
        ).toBe('stay');
      }),
    );
  });
});
