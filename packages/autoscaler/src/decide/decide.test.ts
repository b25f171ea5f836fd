import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@scaler/scaler-types';
import type { Sample } from '../collect/sample.ts';
import { wantsOf } from '../collect/want.ts';
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

describe('a resource is parked', () => {
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

describe('a resource stays awake', () => {
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
    const known = new Map(wantsOf(aResource(), wantSettings).map(({ key }) => [key, { since, peaks: [] }]));
    const { action, reasons } = decideOne(aResource(), idle, { memory: { ...emptyMemory, known } });
    expect(action).toBe('stay');
    expect(reasons[0]).toContain('known only since 2025-12-31T23:59:00Z, less than its window');
  });

  test('whose view is out of date, or that is being parked', () => {
    const staleReasons = new Map([['default/web', 'nothing was heard']]);
    expect(decideOne(aResource(), idle, { staleReasons }).reasons).toEqual(['unknown: nothing was heard']);
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

  test('begins with a wake that was seen, where the scaler gives no event', () => {
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

  test('after attempts names their number and the reason', () => {
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

describe("the owner's intent", () => {
  const later = '2026-01-01T00:10:00.000Z';
  const earlier = '2025-12-31T23:59:59.999Z';

  test.each<[string, Partial<Resource>, string]>([
    ['a pause awake', { pause: { mode: 'awake' } }, 'paused awake'],
    ['a pause as it is, with an end', { pause: { mode: 'as-is', until: later } }, `paused as-is until ${later}`],
    ['a pause whose end cannot be read', { pause: { mode: 'asleep', until: 'soon' } }, 'paused asleep until soon'],
    ['a busy lease', { busyUntil: later }, 'busy until 2026-01-01T00:10:00Z'],
    ['a busy lease that cannot be read', { busyUntil: 'soon' }, 'unknown: the end of its busy lease, "soon"'],
    ['a busy lease, also while paused asleep', { pause: { mode: 'asleep' }, busyUntil: later }, 'busy until'],
    [
      'a minimum awake time',
      { minAwakeMs: 2, awakeSince: earlier },
      'awake since 2025-12-31T23:59:59Z, and at the least',
    ],
    ['one since a time that is none', { minAwakeMs: 1, awakeSince: 'x' }, 'awake since an unknown time'],
    ['one since an unknown time', { minAwakeMs: 1 }, 'unknown: it is not known since when it is awake'],
  ])('%s keeps it awake', (_name, changes, reason) => {
    const { action, reasons } = decideOne(aResource(changes));
    expect(action).toBe('stay');
    expect(reasons.join('\n')).toContain(reason);
  });

  test.each<[string, Partial<Resource>]>([
    ['a pause that is over', { pause: { mode: 'awake', until: earlier } }],
    ['a lease in the past', { busyUntil: earlier }],
    ['a lease that ends now', { busyUntil: new Date(now.wallMs).toISOString() }],
    ['a minimum awake time that is over', { minAwakeMs: 1, awakeSince: earlier }],
  ])('%s does not', (_name, changes) => {
    expect(decideOne(aResource(changes)).action).toBe('park');
  });

  test('the minimum awake time counts from when it was seen awake, where the scaler gives no time', () => {
    const from = { wallMs: now.wallMs - 500, monotonicMs: now.monotonicMs - 500 };
    const { memory } = factsFor([aResource()]);
    const changes = { memory: { ...memory, awakeFrom: new Map([['default/web', from]]) } };
    expect(decideOne(aResource({ minAwakeMs: 501 }), idle, changes).action).toBe('stay');
    expect(decideOne(aResource({ minAwakeMs: 500 }), idle, changes).action).toBe('park');
  });

  test('a pause asleep parks it whatever its samples say, up to its end', () => {
    const busy: Sample = { known: true, value: 100, ageMs: 0 };
    const pause = { mode: 'asleep', until: later } as const;
    const asleep = decideOne(aResource({ pause }), busy);
    expect(asleep).toMatchObject({ action: 'park', reasons: [`paused asleep until ${later}`] });
    expect(decideOne(aResource({ pause }), { known: false, reason: 'gone' }).action).toBe('park');
    expect(decideOne(aResource({ pause: { mode: 'asleep', until: earlier } }), busy).action).toBe('stay');
  });

  test('a dry run, of all or of one, reports what would be parked, and nothing else', () => {
    expect(decideOne(aResource({ dryRun: true }))).toMatchObject({
      action: 'would-park',
      reasons: decideOne(aResource()).reasons,
    });
    expect(decideOne(aResource(), idle, { dryRun: true }).action).toBe('would-park');
    expect(decideOne(aResource({ blocked: 'no' }), idle, { dryRun: true }).action).toBe('stay');
  });
});
