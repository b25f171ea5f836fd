import { expect, test } from '@jest/globals';
import type { ScalerMetric } from '@scaler/scaler-types';
import { createMetrics } from './metrics.ts';

const good: ScalerMetric = {
  name: 'contested_resources',
  help: 'Given way to.',
  kind: 'gauge',
  samples: [
    { labels: { writer: 'argocd' }, value: 2 },
    { labels: { writer: 'flux "x"' }, value: 0 },
  ],
};

async function shown(read: () => readonly ScalerMetric[]) {
  const metrics = createMetrics();
  const problems: string[] = [];
  metrics.counter({ name: 'ticks_total', help: 'x' }).bind({}).inc();
  metrics.include(read, (problem) => problems.push(problem));
  const text = await metrics.text();
  await metrics.text();
  return { problems, lines: text.split('\n').filter((line) => line !== '' && !line.startsWith('# HELP')) };
}

test("a scaler's metrics are shown beside the app's own, with their values at each scrape", async () => {
  let value = 1;
  const metrics = createMetrics();
  metrics.include(() => [{ name: 'x_total', help: 'x', kind: 'counter', samples: [{ value }] }], fail);
  expect(await metrics.text()).toContain('# TYPE scaler_x_total counter\nscaler_x_total 1\n');
  value = 3;
  expect(await metrics.text()).toContain('scaler_x_total 3\n');
  expect((await shown(() => [good])).lines).toEqual([
    '# TYPE scaler_ticks_total counter',
    'scaler_ticks_total 1',
    '# TYPE scaler_contested_resources gauge',
    'scaler_contested_resources{writer="argocd"} 2',
    'scaler_contested_resources{writer="flux \\"x\\""} 0',
  ]);
});

function fail(problem: string): void {
  throw new Error(problem);
}

const many = Array.from({ length: 101 }, (_, index) => ({ labels: { resource: `web-${index}` }, value: 1 }));

test.each<[string, object, string]>([
  ['a name that is none', { name: 'Contested-Resources' }, 'the name "Contested-Resources" is not allowed'],
  ['no name', { name: undefined }, 'the name undefined is not allowed'],
  ['another kind', { kind: 'histogram' }, 'contested_resources: kind is "histogram", allowed are gauge and counter'],
  ['the name of a gauge for a counter', { kind: 'counter' }, 'contested_resources: the name of a counter'],
  ['the name of a counter for a gauge', { name: 'x_total' }, 'x_total: the name of a counter, and of nothing else'],
  ['no help', { help: '' }, 'contested_resources: help must be a text'],
  [
    'a name of the app',
    { name: 'ticks_total', kind: 'counter' },
    'ticks_total: there is a metric of that name already',
  ],
  ['no list of samples', { samples: 5 }, 'contested_resources: samples must be a list'],
  ['a label for each resource', { samples: many }, 'contested_resources: it has 101 samples, allowed are 100'],
  ['a value that is none', { samples: [{ value: NaN }] }, 'contested_resources: the value NaN is not a number'],
  ['no sample', { samples: [undefined] }, 'the value undefined is not a number'],
  ['a label that is none', { samples: [{ value: 1, labels: { 'a-b': 'x' } }] }, 'the label "a-b" is not allowed'],
  ['a label that is no text', { samples: [{ value: 1, labels: { a: 5 } }] }, 'the label a must be a text'],
  ['a long label', { samples: [{ value: 1, labels: { a: 'x'.repeat(201) } }] }, 'of at most 200 characters'],
  [
    'other labels in each',
    { samples: [{ value: 1, labels: { a: 'x' } }, { value: 1 }] },
    'contested_resources: its samples have different labels: a; none',
  ],
  ['labels that are null', { samples: [{ value: 1, labels: null }] }, 'a metric cannot be read'],
  ['a sample that is null', { samples: [null] }, 'the value undefined is not a number'],
  [
    'samples that cannot be read',
    Object.defineProperty({}, 'samples', {
      enumerable: true,
      get: () => [{ value: 1, labels: new Proxy({}, { ownKeys: () => fail('no') as never }) }],
    }),
    'a metric cannot be read',
  ],
  ['equal samples', { samples: [{ value: 1 }, { value: 2 }] }, 'contested_resources: two samples have equal labels'],
])('one with %s is left out and named, once; the others are shown', async (_name, changes, problem) => {
  const wrong = { ...good, ...changes } as ScalerMetric;
  const right: ScalerMetric = { name: 'right', help: 'x', kind: 'gauge', samples: [{ value: 5 }] };
  const { problems, lines } = await shown(() => [wrong, right]);
  expect(problems).toEqual([expect.stringContaining(problem)]);
  expect(lines).toEqual([
    '# TYPE scaler_ticks_total counter',
    'scaler_ticks_total 1',
    '# TYPE scaler_right gauge',
    'scaler_right 5',
  ]);
});

test.each<[string, () => never, string]>([
  ['throws', () => fail('not now') as never, 'they cannot be read: not now'],
  ['returns no list', () => 5 as never, 'they must be a list'],
  ['returns nothing', () => undefined as never, 'they must be a list'],
])('a scaler that %s costs its own metrics alone', async (_name, read, problem) => {
  const { problems, lines } = await shown(read);
  expect(problems).toEqual([problem]);
  expect(lines).toHaveLength(2);
});

test('a counter below zero is refused, and more metrics than may be are cut off', async () => {
  const counter = { name: 'x_total', help: 'x', kind: 'counter', samples: [{ value: -1 }] } as const;
  expect((await shown(() => [counter])).problems).toEqual(['x_total: the value -1 of a counter is less than 0']);
  const gauges = Array.from({ length: 101 }, (_, index) => ({ ...good, name: `g${index}` }));
  const { problems, lines } = await shown(() => gauges);
  expect(problems).toEqual(['there are 101 metrics, allowed are 100']);
  expect(lines).toHaveLength(2 + 300);
});
