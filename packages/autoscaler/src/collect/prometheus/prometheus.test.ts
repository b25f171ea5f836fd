import { afterEach, describe, expect, test } from '@jest/globals';
import { type Clock, type ScaleResource, systemClock } from '@scaler/scaler-types';
import { createFakeClock } from '@scaler/testing-kit';
import { aResource, wantSettings } from '../../testing/facts.ts';
import { type FakePrometheus, type PromAnswer, startFakePrometheus, vector } from '../../testing/prometheus.ts';
import { type Want, wantsOf } from '../want.ts';
import { createConnection } from './connection.ts';
import { createPrometheusSource } from './prometheus.ts';
import { parseQueries } from './queries.ts';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const signal = new AbortController().signal;
const many = 'sum by (d) (rate(hits{ns="${namespace}",d=~"${names}"}[${window}]))';
const queries = parseQueries(
  JSON.stringify({
    hits: { query: many, label: 'd' },
    sure: { query: many, label: 'd', doubt: 'resets(hits{ns="${namespace}",d=~"${names}"}[${window}])' },
    one: { query: 'load{ns="${namespace}",d="${name}"}' },
    queue: { query: 'sum(length{queue="${labels.queue}"})' },
  }),
);

async function prometheus(): Promise<FakePrometheus> {
  const fake = await startFakePrometheus();
  closers.push(() => fake.close());
  return fake;
}

function source(fake: { url: string }, limits: { clock?: Clock; concurrency?: number; timeoutMs?: number } = {}) {
  const files = { caFile: undefined, tokenFile: undefined, basicFile: undefined };
  const connection = createConnection({ url: fake.url, ...files, concurrency: 8 });
  const defaults = { clock: systemClock, timeoutMs: 5_000, collectTimeoutMs: 8_000, concurrency: 8 };
  const one = createPrometheusSource({ connection, queries, ...defaults, ...limits });
  closers.push(() => one.close?.());
  return one;
}

function want(name: string, metric: Partial<ScaleResource> = {}, namespace = 'shop'): Want {
  const given = { metricName: 'hits', windowSize: 60_000, threshold: 0, source: 'prometheus' as const, ...metric };
  const [first] = wantsOf(aResource({ name, namespace, scaleResources: [given] }), wantSettings);
  return first as Want;
}

async function ask(fake: FakePrometheus, ...wants: readonly Want[]) {
  const { samples, failures } = await source(fake).collect(wants, { signal });
  return { samples: wants.map(({ key }) => samples.get(key)), failures };
}

const queriesOf = (fake: FakePrometheus) =>
  fake.asked.flatMap(({ query }) => (query === undefined ? [] : [query])).sort();

describe('the queries', () => {
  test('one query per distinct query, namespace and window, for all its resources', async () => {
    const fake = await prometheus();
    fake.answer = () => vector([{ d: 'web' }, '0'], [{ d: 'api' }, '2.5']);
    const wants = [
      ...['web', 'api'].map((name) => want(name)),
      ...['web', 'api'].map((name) => want(name, { windowSize: 300_000 })),
      want('web', {}, 'other'),
    ];
    const { samples, failures } = await ask(fake, ...wants);
    expect(queriesOf(fake)).toEqual([
      'sum by (d) (rate(hits{ns="other",d=~"(?:web)"}[1m]))',
      'sum by (d) (rate(hits{ns="shop",d=~"(?:web|api)"}[1m]))',
      'sum by (d) (rate(hits{ns="shop",d=~"(?:web|api)"}[5m]))',
    ]);
    expect(samples.slice(0, 2)).toMatchObject([
      { known: true, value: 0 },
      { known: true, value: 2.5 },
    ]);
    expect(failures).toEqual([]);
    expect(fake.asked.find(({ query }) => query)?.form.get('partial_response')).toBe('false');
  });

  test('one query per resource where it names one, in parts where there are very many', async () => {
    const fake = await prometheus();
    fake.answer = () => vector([{}, '1']);
    await ask(fake, want('web', { metricName: 'one' }), want('api', { metricName: 'one' }));
    expect(queriesOf(fake)).toEqual(['load{ns="shop",d="api"}', 'load{ns="shop",d="web"}']);
    fake.asked.length = 0;
    await ask(fake, ...Array.from({ length: 1_001 }, (_, i) => want(`r${i}`)));
    expect(queriesOf(fake)).toHaveLength(3);
  });

  test("a tenant's labels, escaped", async () => {
    const fake = await prometheus();
    fake.answer = () => vector([{}, '1']);
    await ask(fake, want('web', { metricName: 'queue', labels: { queue: 'a"} or vector(0) #' } }));
    expect(queriesOf(fake)).toEqual(['sum(length{queue="a\\"} or vector(0) #"})']);
  });

  test.each([
    [{ metricName: 'missing' }, 'there is no query "missing" in --prometheus-queries'],
    [{ metricName: 'queue' }, 'its query needs the label queue'],
    [{ metricName: 'one', labels: { queue: 'a' } }, 'its query has no use for the label queue'],
  ])('nothing for %j, and the source is not to blame', async (metric, reason) => {
    const fake = await prometheus();
    expect(await ask(fake, want('web', metric))).toEqual({ samples: [{ known: false, reason }], failures: [] });
    expect(queriesOf(fake)).toEqual([]);
  });
});

describe('one resource is unknown, and no other, when', () => {
  const now = Date.now() / 1_000;
  test.each<[string, PromAnswer, string]>([
    ['it has no series', vector([{ d: 'api' }, '1']), 'returns no series for it'],
    ['it has two', vector([{ d: 'web' }, '0'], [{ d: 'api' }, '1'], [{ d: 'web' }, '0']), 'returns 2 series for it'],
    ['its value is NaN', vector([{ d: 'web' }, 'NaN'], [{ d: 'api' }, '1']), 'its value is NaN'],
    ['its value is infinite', vector([{ d: 'web' }, '-Inf'], [{ d: 'api' }, '1']), 'its value is -Inf'],
    ['its value is empty', vector([{ d: 'web' }, ''], [{ d: 'api' }, '1']), 'no finite number'],
    [
      'it is a histogram',
      {
        body: {
          status: 'success',
          data: {
            resultType: 'vector',
            result: [
              { metric: { d: 'web' }, histogram: [now, { count: '0', sum: '0', buckets: [] }] },
              { metric: { d: 'api' }, value: [now, '1'] },
            ],
          },
        },
      },
      'a histogram',
    ],
  ])('%s', async (_name, answer, reason) => {
    const fake = await prometheus();
    fake.answer = () => answer;
    const { samples, failures } = await ask(fake, want('web'), want('api'));
    expect(samples).toMatchObject([
      { known: false, reason: expect.stringContaining(reason) },
      { known: true, value: 1 },
    ]);
    expect(failures).toEqual([]);
  });

  test('its doubt is not 0: a counter reset, for instance; a doubt without the label is about all', async () => {
    const fake = await prometheus();
    const hits = vector([{ d: 'web' }, '0'], [{ d: 'api' }, '0']);
    const doubting = async (doubt: PromAnswer) => {
      fake.answer = ({ query }) => (query?.startsWith('resets') ? doubt : hits);
      const { samples } = await ask(fake, want('web', { metricName: 'sure' }), want('api', { metricName: 'sure' }));
      return samples.map((sample) => (sample?.known ? 'known' : sample?.reason));
    };
    expect(await doubting(vector())).toEqual(['known', 'known']);
    expect(await doubting(vector([{ d: 'web' }, '1'], [{ d: 'api' }, '0']))).toEqual([
      "its query's doubt is 1",
      'known',
    ]);
    expect(await doubting(vector([{ d: 'api' }, 'NaN']))).toEqual(['known', expect.stringContaining('NaN')]);
    expect(await doubting(vector([{}, '1']))).toEqual(["its query's doubt is 1", "its query's doubt is 1"]);
    expect(await doubting({ status: 503, body: 'down' })).toEqual(Array(2).fill('Prometheus answered with status 503'));
  });
});

describe('all are unknown, and the source has failed, on', () => {
  const result = [{ metric: { d: 'web' }, value: [Date.now() / 1_000, '0'] }];
  const error = { status: 'error', errorType: 'bad_data', error: 'parse error at char 3' };
  test.each<[string, PromAnswer, string]>([
    ['an error', { status: 400, body: error }, 'bad_data: parse error at char 3'],
    ['an error with status 200', { body: error }, 'bad_data'],
    ['a server that is starting', { status: 503, body: 'Service Unavailable' }, 'status 503'],
    ['a redirect', { status: 302, body: '' }, 'status 302'],
    ['a login page', { body: '<html>' }, 'no answer to a query'],
    [
      'warnings',
      { body: { status: 'success', data: { resultType: 'vector', result }, warnings: ['store down'] } },
      'store down',
    ],
    [
      'warnings that are none',
      { body: { status: 'success', data: { resultType: 'vector', result }, warnings: 1 } },
      'warnings',
    ],
    ['a matrix', { body: { status: 'success', data: { resultType: 'matrix', result: [] } } }, 'a matrix, not a vector'],
    ['an answer that ends too early', 'cut', 'did not answer'],
  ])('%s', async (_name, answer, reason) => {
    const fake = await prometheus();
    fake.answer = () => answer;
    expect(await ask(fake, want('web'), want('api'))).toEqual({
      samples: Array(2).fill({ known: false, reason: expect.stringContaining(reason) }),
      failures: [expect.stringContaining(reason)],
    });
  });

  test('series that do not say whose they are', async () => {
    const fake = await prometheus();
    fake.answer = () => vector([{ d: 'web' }, '0'], [{}, '5']);
    const { samples } = await ask(fake, want('web'));
    expect(samples).toMatchObject([{ known: false, reason: 'its query returns a series without the label d' }]);
  });

  test('the server is gone', async () => {
    const fake = await prometheus();
    await fake.close();
    const { samples, failures } = await ask(fake, want('web'));
    expect(samples).toMatchObject([{ known: false, reason: expect.stringContaining('ECONNREFUSED') }]);
    expect(failures).toHaveLength(1);
  });
});

test('infos are no warnings, and a scalar is a value', async () => {
  const fake = await prometheus();
  const data = { resultType: 'scalar', result: [Date.now() / 1_000, '1e3'] };
  fake.answer = () => ({ body: { status: 'success', data, infos: ['PromQL info: metric might not be a counter'] } });
  expect((await ask(fake, want('web', { metricName: 'one' }))).samples).toMatchObject([{ known: true, value: 1_000 }]);
});

test('a value is as old as its timestamp, also when the server answers from a cache', async () => {
  const fake = await prometheus();
  fake.answer = () => vector([{ d: 'web' }, '0', Date.now() / 1_000 - 90]);
  const [sample] = (await ask(fake, want('web'))).samples;
  const ageMs = sample?.known ? sample.ageMs : NaN;
  expect(ageMs).toBeGreaterThanOrEqual(89_000);
  expect(ageMs).toBeLessThan(95_000);
});

describe('when Prometheus started', () => {
  const covered = async (fake: FakePrometheus) => {
    fake.answer = () => vector([{ d: 'web' }, '0']);
    return (await ask(fake, want('web'))).samples[0];
  };

  test('comes with each sample, by its own clock', async () => {
    const fake = await prometheus();
    fake.startedMs = Date.now() - 30_000;
    const sample = await covered(fake);
    expect(sample).toMatchObject({ known: true, covered: { since: 'Prometheus started' } });
    const ms = sample?.known ? (sample.covered?.ms ?? NaN) : NaN;
    expect(Math.abs(ms - 30_000)).toBeLessThan(5_000);
  });

  test('is a failure for a while, so that resources that go idle after it are parked slowly', async () => {
    const fake = await prometheus();
    fake.answer = () => vector([{ d: 'web' }, '0']);
    fake.startedMs = Date.now() - 30_000;
    expect((await ask(fake, want('web'))).failures).toEqual(['Prometheus has just started']);
    fake.startedMs = Date.now() - 90_000;
    expect((await ask(fake, want('web'))).failures).toEqual([]);
  });

  test('is unknown where the API does not give it', async () => {
    const sample = await covered(await prometheus());
    expect(sample).toMatchObject({ known: true, covered: undefined });
  });
});

describe('time', () => {
  test('a query that hangs does not affect the others', async () => {
    const fake = await prometheus();
    fake.answer = ({ query }) => (query?.includes('other') ? 'never' : vector([{ d: 'web' }, '0']));
    const wants = [want('web'), want('web', {}, 'other')];
    const { samples, failures } = await source(fake, { timeoutMs: 200 }).collect(wants, { signal });
    expect(wants.map(({ key }) => samples.get(key))).toMatchObject([
      { known: true },
      { known: false, reason: 'Prometheus did not answer: it took longer than 200ms' },
    ]);
    expect(failures).toHaveLength(1);
  });

  test('a query that has no turn before the collection ends is unknown, and is not asked', async () => {
    const fake = await prometheus();
    const clock = createFakeClock();
    let hang = (): void => undefined;
    const hung = new Promise<void>((resolve) => (hang = resolve));
    fake.answer = ({ query }) => {
      if (!query?.includes('"b"')) return vector([{ d: 'web' }, '0']);
      hang();
      return 'never';
    };
    const wants = ['a', 'b', 'c'].map((namespace) => want('web', {}, namespace));
    const one = source(fake, { clock, concurrency: 1, timeoutMs: 60_000 });
    const collected = one.collect(wants, { signal });
    await hung;
    await clock.advance(8_000);
    const { samples } = await collected;
    expect(wants.map(({ key }) => samples.get(key))).toMatchObject([
      { known: true },
      { known: false, reason: 'it took longer than 8s' },
      { known: false, reason: expect.stringContaining('was not asked') },
    ]);
    expect(queriesOf(fake)).toHaveLength(2);
  });

  test('an aborted signal ends it at once, by its own reason', async () => {
    const fake = await prometheus();
    const stop = new AbortController();
    fake.answer = () => {
      stop.abort(new Error('stopping'));
      return 'never';
    };
    await expect(source(fake).collect([want('web')], { signal: stop.signal })).rejects.toThrow('stopping');
  });
});
