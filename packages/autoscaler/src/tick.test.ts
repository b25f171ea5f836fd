import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createCustomMetricsClient } from '@scaler/kube';
import type { Resource } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { createCustomMetricsSource } from './collect/metrics-apis.ts';
import type { Source } from './collect/collect.ts';
import { aResource, wantSettings } from './testing/facts.ts';
import { viewOf } from './testing/view-of.ts';
import { type FakeMetricsApi, metricValue, startFakeMetricsApi } from './testing/metrics-api.ts';
import { createTicker } from './tick.ts';

const signal = new AbortController().signal;
const settings = { ...wantSettings, intervalMs: 10_000, cooldownMs: 60_000, dryRun: false, parksPerTick: 5 };

/** The DLX, which is never in the way here. */
const noActivity: Source = {
  name: 'dlx-activity',
  collect: (wants) =>
    Promise.resolve({
      samples: new Map(wants.map(({ key }) => [key, { known: true, value: 0, ageMs: 0 }])),
      failures: [],
    }),
};

let api: FakeMetricsApi;
beforeAll(async () => (api = await startFakeMetricsApi()));
afterAll(() => api.close());
afterEach(() => {
  api.answers.clear();
  api.asked.length = 0;
  api.present = true;
});

function scene(resources: () => readonly Resource[] | Error, isSuccessor = false) {
  const clock = createFakeClock();
  const getResources = () => {
    const listed = resources();
    return listed instanceof Error ? Promise.reject(listed) : Promise.resolve(listed);
  };
  const view = viewOf({ getResources }, clock);
  const metrics = createCustomMetricsSource({
    client: createCustomMetricsClient({ client: api.client }),
    resource: 'deployments.apps',
    clock,
    timeoutMs: 5_000,
    collectTimeoutMs: 8_000,
    concurrency: 8,
  });
  const ticker = createTicker({ view, sources: [metrics, noActivity], clock, settings, isSuccessor });
  const tick = () => ticker.tick({ parking: new Set(), attempts: new Map() }, signal);
  /** Ticks until the window of a minute is whole, and returns the last one. */
  const ticks = async (before: () => void = () => undefined) => {
    for (let i = 0; i < 6; i++) {
      before();
      await tick();
      await clock.advance(10_000);
    }
    before();
    return tick();
  };
  return { clock, tick, ticks, ticker };
}

const decided = (result: Awaited<ReturnType<ReturnType<typeof scene>['tick']>>, name: string) =>
  result.decisions.find(({ resource }) => resource.name === name);

describe('a metric that cannot be had keeps its resource awake, with the reason, and holds up no other', () => {
  const good = aResource({ name: 'good', scaleResources: [{ metricName: 'good', windowSize: 60_000, threshold: 0 }] });

  test.each<[string, (nowMs: number) => readonly object[] | number, string]>([
    ['missing', () => 404, 'no-metric'],
    ['an error', () => 403, 'api-error'],
    ['without a value for it', () => [], 'no-sample'],
    ['NaN', (now) => [metricValue('web', 'NaN', now)], 'NaN'],
    ['stale', (now) => [metricValue('web', '0', now - 61_001)], 'stale'],
    ['without a timestamp', () => [{ ...metricValue('web', '0', 0), timestamp: null }], 'bad-timestamp'],
    ['two values', (now) => [metricValue('web', '0', now), metricValue('web', '0', now)], 'several-values'],
    ["only another namespace's", (now) => [metricValue('web', '0', now, 'other')], 'no-sample'],
    ['100m over a threshold of 0', (now) => [metricValue('web', '100m', now)], 'is 0.1, above 0'],
  ])('%s', async (_name, answer, reason) => {
    const { clock, ticks } = scene(() => [aResource(), good]);
    const result = await ticks(() => {
      api.answers.set('default/requests_per_1m', answer(clock.now()));
      api.answers.set('default/good_per_1m', [metricValue('good', '0', clock.now())]);
    });
    expect(decided(result, 'good')).toMatchObject({ action: 'park' });
    expect(decided(result, 'web')).toMatchObject({ action: 'stay' });
    expect(decided(result, 'web')?.reasons.join('\n')).toContain(reason);
  });

  test('the API group absent', async () => {
    const seesAll = aResource({ name: 'dlx', scaleResources: [], dlxSeesAll: true, idleAfterMs: 60_000 });
    api.present = false;
    const { ticks } = scene(() => [aResource(), seesAll]);
    const result = await ticks();
    expect(decided(result, 'web')).toMatchObject({ action: 'stay', reasons: [expect.stringContaining('no-api')] });
    expect(decided(result, 'dlx')).toMatchObject({ action: 'park' });
    expect(result.reports.find(({ source }) => source === 'custom-metrics')?.failures).toHaveLength(1);
  });
});

test('a value that returns after a gap counts again only when it was known for a whole window', async () => {
  const { clock, tick, ticks } = scene(() => [aResource()]);
  const known = () => api.answers.set('default/requests_per_1m', [metricValue('web', '0', clock.now())]);
  expect(decided(await ticks(known), 'web')?.action).toBe('park');
  await clock.advance(10_000);
  api.answers.set('default/requests_per_1m', 403);
  expect(decided(await tick(), 'web')?.reasons[0]).toContain('api-error');
  await clock.advance(10_000);
  for (let i = 0; i < 6; i++) {
    known();
    expect(decided(await tick(), 'web')).toMatchObject({
      action: 'stay',
      reasons: [expect.stringContaining('known only')],
    });
    await clock.advance(10_000);
  }
  known();
  expect(decided(await tick(), 'web')?.action).toBe('park');
});

test('a source that started less than a window ago proves nothing, and costs one window, not two', async () => {
  const clock = createFakeClock();
  const startedMs = clock.monotonic();
  const since = 'Prometheus started';
  const counting: Source = {
    name: 'custom-metrics',
    collect: (wants) => {
      const covered = { ms: clock.monotonic() - startedMs, since };
      const sample = { known: true, value: 0, ageMs: 0, covered } as const;
      return Promise.resolve({ samples: new Map(wants.map(({ key }) => [key, sample])), failures: [] });
    },
  };
  const scaler = { getResources: () => Promise.resolve([aResource()]) };
  const view = viewOf(scaler, clock);
  const ticker = createTicker({ view, sources: [counting, noActivity], clock, settings, isSuccessor: false });
  const tick = () => ticker.tick({ parking: new Set(), attempts: new Map() }, signal);
  for (let i = 0; i < 6; i++) {
    expect(decided(await tick(), 'web')).toMatchObject({
      action: 'stay',
      reasons: ['unknown: requests_per_1m: Prometheus started less than 1m ago'],
    });
    await clock.advance(10_000);
  }
  expect(decided(await tick(), 'web')?.action).toBe('park');
});

test('after a long pause between two ticks the window begins again', async () => {
  const { clock, tick, ticks } = scene(() => [aResource()]);
  const known = () => api.answers.set('default/requests_per_1m', [metricValue('web', '0', clock.now())]);
  expect(decided(await ticks(known), 'web')?.action).toBe('park');
  await clock.advance(60_001);
  known();
  expect(decided(await tick(), 'web')?.action).toBe('stay');
});

test('while the scaler cannot list its resources, those known before stay awake, with the reason', async () => {
  let listed: readonly Resource[] | Error = [aResource()];
  const { clock, tick, ticks } = scene(() => listed);
  const known = () => api.answers.set('default/requests_per_1m', [metricValue('web', '0', clock.now())]);
  expect(decided(await ticks(known), 'web')?.action).toBe('park');
  listed = new Error('forbidden');
  const result = await tick();
  expect(result.decisions).toMatchObject([
    { action: 'stay', reasons: ['unknown: the scaler cannot list its resources: forbidden'] },
  ]);
});

test('after a failure of the source, a mass of idle resources is parked a few at a time', async () => {
  const many = Array.from({ length: 30 }, (_, i) => aResource({ name: `r${i}` }));
  const { clock, tick, ticks } = scene(() => many);
  const known = () =>
    api.answers.set(
      'default/requests_per_1m',
      many.map(({ name }) => metricValue(name, '0', clock.now())),
    );
  api.answers.set('default/requests_per_1m', 403);
  await tick();
  await clock.advance(10_000);
  const result = await ticks(known);
  expect(result).toMatchObject({ braked: true, heldBack: 25 });
  expect(result.decisions.filter(({ action }) => action === 'park')).toHaveLength(5);
});

test.each([
  ['a failure for many of them is one too', 20, 5],
  ['a failure for a few of them is not', 10, 30],
])('%s', async (_name, failing, parked) => {
  const many = Array.from({ length: 30 }, (_, i) => aResource({ name: `r${i}` }));
  const { clock, tick, ticks } = scene(() => many);
  const say = (from: number) =>
    api.answers.set(
      'default/requests_per_1m',
      many.slice(from).map(({ name }) => metricValue(name, '0', clock.now())),
    );
  say(0);
  await tick();
  await clock.advance(10_000);
  say(failing);
  await tick();
  await clock.advance(10_000);
  const result = await ticks(() => say(0));
  const parks = result.decisions.filter(({ action }) => action === 'park').map(({ resource }) => resource.name);
  expect(parks).toHaveLength(parked);
});

test('a failure for many resources counts when it ends too, however long it lasted', async () => {
  const many = Array.from({ length: 30 }, (_, i) => aResource({ name: `r${i}` }));
  const { clock, ticks } = scene(() => many);
  const say = (from: number) =>
    api.answers.set(
      'default/requests_per_1m',
      many.slice(from).map(({ name }) => metricValue(name, '0', clock.now())),
    );
  await ticks(() => say(0));
  for (let i = 0; i < 3; i++) await ticks(() => say(20));
  const result = await ticks(() => say(0));
  // Ten of them were known all along.
  expect(result).toMatchObject({ braked: true, heldBack: 25 });
});

test('a namespace whose calls fail for ever does not brake the others for ever', async () => {
  const broken = Array.from({ length: 12 }, (_, i) => aResource({ namespace: 'broken', name: `b${i}` }));
  const others = Array.from({ length: 30 }, (_, i) => aResource({ name: `r${i}` }));
  const { clock, ticks } = scene(() => [...broken, ...others]);
  const say = (value: string) =>
    api.answers.set(
      'default/requests_per_1m',
      others.map(({ name }) => metricValue(name, value, clock.now())),
    );
  api.answers.set('broken/requests_per_1m', 403);
  expect(await ticks(() => say('0'))).toMatchObject({ braked: true, heldBack: 25 });
  for (let i = 0; i < 2; i++) await ticks(() => say('1'));
  expect(await ticks(() => say('0'))).toMatchObject({ braked: false, heldBack: 0 });
  const mended = await ticks(() => {
    say('1');
    api.answers.set(
      'broken/requests_per_1m',
      broken.map(({ name }) => metricValue(name, '0', clock.now(), 'broken')),
    );
  });
  expect(mended).toMatchObject({ braked: true, heldBack: 7 });
});

test.each([
  ['who takes over parks a mass of idle resources a few at a time: a failure may have gone before', true, 5],
  ['the first holder there ever was parks them all', false, 30],
])('%s', async (_name, isSuccessor, parked) => {
  const many = Array.from({ length: 30 }, (_, i) => aResource({ name: `r${i}` }));
  const { clock, ticks } = scene(() => many, isSuccessor);
  const result = await ticks(() =>
    api.answers.set(
      'default/requests_per_1m',
      many.map(({ name }) => metricValue(name, '0', clock.now())),
    ),
  );
  expect(result.decisions.filter(({ action }) => action === 'park')).toHaveLength(parked);
});

test('the judgement is read again from the source, and forgets nothing of before', async () => {
  const { clock, ticker, ticks } = scene(() => [aResource()]);
  const say = (value: string) => api.answers.set('default/requests_per_1m', [metricValue('web', value, clock.now())]);
  await ticks(() => say('0'));
  const ref = { namespace: 'default', name: 'web' };
  await expect(ticker.judgeAgain(ref, signal)).resolves.toMatchObject({ verdict: 'idle' });
  say('3');
  await expect(ticker.judgeAgain(ref, signal)).resolves.toMatchObject({ verdict: 'busy' });
  await expect(ticker.judgeAgain({ ...ref, name: 'gone' }, signal)).resolves.toMatchObject({ verdict: 'unknown' });
});

test('500 resources in one tick take one call per distinct metric and namespace', async () => {
  const many = Array.from({ length: 500 }, (_, i) =>
    aResource({
      name: `r${i}`,
      namespace: i % 2 ? 'odd' : 'even',
      scaleResources: [
        { metricName: 'requests', windowSize: 60_000, threshold: 0 },
        { metricName: 'jobs', windowSize: i % 4 < 2 ? 60_000 : 300_000, threshold: 0 },
      ],
    }),
  );
  const { clock, tick } = scene(() => many);
  for (const namespace of ['odd', 'even']) {
    for (const metric of ['requests_per_1m', 'jobs_per_1m', 'jobs_per_5m']) {
      const values = many
        .filter((one) => one.namespace === namespace)
        .map(({ name }) => metricValue(name, '0', clock.now(), namespace));
      api.answers.set(`${namespace}/${metric}`, values);
    }
  }
  const beganMs = performance.now();
  const { decisions } = await tick();
  const tookMs = Math.round(performance.now() - beganMs);
  expect(decisions).toHaveLength(500);
  expect(api.asked.length).toBe(6);
  expect(new Set(api.asked).size).toBe(6);
  process.stdout.write(`tick: 500 resources, 1000 metrics, ${api.asked.length} calls, ${tookMs} ms\n`);
});

test('ticks that pass while a resource is parking do not make its metric unknown when it is judged again', async () => {
  let phase: NonNullable<Resource['phase']> = 'awake';
  const { clock, tick, ticks, ticker } = scene(() => [{ ...aResource(), ...(phase && { phase }) }]);
  const known = () => api.answers.set('default/requests_per_1m', [metricValue('web', '0', clock.now())]);
  expect(decided(await ticks(known), 'web')?.action).toBe('park');
  phase = 'parking';
  await clock.advance(10_000);
  known();
  await tick();
  expect(await ticker.judgeAgain({ namespace: 'default', name: 'web' }, signal)).toMatchObject({ verdict: 'idle' });
});
