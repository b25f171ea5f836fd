import { expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

async function linesOf(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('a bound counter shows zero at once and adds up over scrapes', async () => {
  const metrics = createMetrics();
  const outcomes = metrics.counter({ name: 'outcomes_total', help: 'x', labels: ['outcome'] });
  const forwarded = outcomes.bind({ outcome: 'forwarded' });
  expect(await linesOf(metrics)).toEqual(['scaler_outcomes_total{outcome="forwarded"} 0']);
  forwarded.inc();
  outcomes.bind({ outcome: 'forwarded' }).inc(2);
  expect(await linesOf(metrics)).toEqual(['scaler_outcomes_total{outcome="forwarded"} 3']);
  forwarded.inc();
  expect(await linesOf(metrics)).toEqual(['scaler_outcomes_total{outcome="forwarded"} 4']);
});

test('a gauge is set and removed, with or without labels', async () => {
  const metrics = createMetrics();
  metrics.gauge({ name: 'held', help: 'x' }).bind({}).set(4);
  const up = metrics.gauge({ name: 'up', help: 'x', labels: ['source'] }).bind({ source: 'a' });
  up.set(1);
  expect(await linesOf(metrics)).toEqual(['scaler_held 4', 'scaler_up{source="a"} 1']);
  up.remove();
  expect(await linesOf(metrics)).toEqual(['scaler_held 4']);
});

test('a collected gauge has only the series of the last scrape', async () => {
  const metrics = createMetrics();
  let asleep = ['a', 'b'];
  metrics.gauge({
    name: 'asleep',
    help: 'x',
    labels: ['resource'],
    collect: (set) => asleep.forEach((resource) => set({ resource }, 1)),
  });
  expect(await linesOf(metrics)).toHaveLength(2);
  asleep = ['b'];
  expect(await linesOf(metrics)).toEqual(['scaler_asleep{resource="b"} 1']);
});

test('a histogram counts into its buckets', async () => {
  const metrics = createMetrics();
  const hold = metrics
    .histogram({ name: 'hold_seconds', help: 'x', labels: ['kind'], buckets: [0.1, 1] })
    .bind({ kind: 'http' });
  hold.observe(0.5);
  expect(await linesOf(metrics)).toContain('scaler_hold_seconds_bucket{le="1",kind="http"} 1');
  expect(await linesOf(metrics)).toContain('scaler_hold_seconds_bucket{le="0.1",kind="http"} 0');
});

test('labels that a metric does not declare are refused', () => {
  const counter = createMetrics().counter({ name: 'x_total', help: 'x', labels: ['outcome'] });
  expect(() => counter.bind({ outcome: 'a', path: '/1' } as never)).toThrow(
    expect.objectContaining({
      code: 'invalid-metric',
      message: 'metric scaler_x_total has the labels outcome, but is given outcome, path',
    }),
  );
  expect(() => counter.bind({} as never)).toThrow(/but is given none/);
});

test('process metrics come only when asked for, and under their usual names', async () => {
  expect(await linesOf(createMetrics())).toEqual([]);
  expect((await linesOf(createMetrics({ processMetrics: true }))).join()).toContain('process_resident_memory_bytes');
});
