import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Sample } from '../collect/sample.ts';
import { wantsOf } from '../collect/want.ts';
import { aResource, factsFor, wantSettings } from '../testing/facts.ts';
import { decide } from './decide.ts';
import { emptyMemory, highestSince, type Memory, type Peak, remember, withPeak } from './memory.ts';

const windowMs = 60_000;
const looks = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), value: fc.oneof(fc.nat(4), fc.double({ noNaN: true })) }),
  { minLength: 1, maxLength: 100 },
);

test('the highest peak of a window is that of a list of all values, or more', () => {
  fc.assert(
    fc.property(looks, (list) => {
      let nowMs = 0;
      let peaks: readonly Peak[] = [];
      const all: Peak[] = [];
      for (const { afterMs, value } of list) {
        nowMs += afterMs;
        all.push({ value, atMs: nowMs });
        peaks = withPeak(peaks, value, { nowMs, windowMs });
        const within = all.filter(({ atMs }) => atMs >= nowMs - windowMs).map((look) => look.value);
        // Of 0 and -0, which are one value, either may be returned.
        expect((highestSince(peaks, nowMs - windowMs)?.value ?? NaN) + 0).toBe(Math.max(...within) + 0);
      }
    }),
    { examples: [[[0, -0, 0].map((value) => ({ afterMs: 0, value }))]] },
  );
});

test('it is bounded, and then sooner too high than too low', () => {
  let peaks: readonly Peak[] = [];
  for (let nowMs = 0; nowMs < 1_000; nowMs++) peaks = withPeak(peaks, 1_000 - nowMs, { nowMs, windowMs });
  expect(peaks).toHaveLength(64);
  expect(highestSince(peaks, 0)).toEqual({ value: 1_000, atMs: 936 });
});

test('a momentary value is idle only when it was idle at every tick of a whole window', () => {
  const scaleResources = [{ metricName: 'queue', windowSize: windowMs, threshold: 0, source: 'external-metrics' }];
  const resource = aResource({ scaleResources } as never);
  const wants = wantsOf(resource, wantSettings);
  const step = fc.record({
    afterMs: fc.integer({ min: 1_000, max: 20_000 }),
    sample: fc.oneof(
      { arbitrary: fc.constant<Sample>({ known: true, value: 0, ageMs: 0 }), weight: 12 },
      fc.constantFrom<Sample>(
        { known: true, value: 3, ageMs: 0 },
        { known: false, reason: 'gone' },
        { known: true, value: NaN, ageMs: 0 },
        { known: true, value: 0, ageMs: 70_000 },
      ),
    ),
  });
  let parks = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 4, maxLength: 30 }), (steps) => {
      let memory: Memory = emptyMemory;
      let now = { wallMs: 1e12, monotonicMs: 0 };
      let lastBadMs = 0;
      for (const { afterMs, sample } of steps) {
        now = { wallMs: now.wallMs + afterMs, monotonicMs: now.monotonicMs + afterMs };
        const samples = new Map(wants.map(({ key, source }) => [key, source === 'dlx-activity' ? idle : sample]));
        memory = remember(memory, { resources: [resource], wants, samples, reports: [], now, longestGapMs: 30_000 });
        const first = memory.known.get(wants[0]?.key ?? '')?.since.monotonicMs ?? Infinity;
        if (sample !== idleOf(sample)) lastBadMs = now.monotonicMs;
        const [decision] = decide([resource], samples, { ...factsFor([resource]), memory, now });
        const quiet = now.monotonicMs - lastBadMs > windowMs || lastBadMs === 0;
        const whole = now.monotonicMs - first >= windowMs;
        expect(decision?.action).toBe(quiet && whole ? 'park' : 'stay');
        if (decision?.action === 'park') parks += 1;
      }
    }),
    { numRuns: 300 },
  );
  expect(parks).toBeGreaterThan(50);
});

const idle: Sample = { known: true, value: 0, ageMs: 0 };

/** The sample itself where it is an idle one. */
function idleOf(sample: Sample): Sample | undefined {
  return sample.known && sample.value === 0 && sample.ageMs === 0 ? sample : undefined;
}

test('the reason names the tick that was too high; a value of a window is judged by itself', () => {
  const scaleResources = [{ metricName: 'queue', windowSize: windowMs, threshold: 2 }];
  const decideBy = (metricNamePattern: string) => {
    const settings = { ...wantSettings, metricNamePattern };
    const resource = aResource({ scaleResources });
    const [want, activity] = wantsOf(resource, settings);
    const facts = factsFor([resource], settings);
    const known = new Map([want, activity].map((one) => [one?.key ?? '', facts.memory.known.values().next().value]));
    const at = (monotonicMs: number) => ({ wallMs: facts.now.wallMs, monotonicMs });
    const span = { since: at(0), peaks: [{ value: 3, atMs: facts.now.monotonicMs - windowMs }] };
    const memory = { ...facts.memory, known: new Map([...known, [want?.key, span]]) as never };
    const samples = new Map([want, activity].map((one) => [one?.key ?? '', idle]));
    return decide([resource], samples, { ...facts, ...settings, memory })[0];
  };
  expect(decideBy('<name>')).toMatchObject({
    action: 'stay',
    reasons: ['queue was 3 at 2025-12-31T23:59:00Z, above 2, less than 1m ago'],
  });
  expect(decideBy('<name>_per_<window>')?.action).toBe('park');
});
