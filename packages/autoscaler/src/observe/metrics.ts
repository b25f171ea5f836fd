import type { BoundGauge, Metrics } from '@scaler/runtime';
import type { RingEntry } from './history.ts';
import type { TickResult } from '../tick.ts';

export type Observer = ReturnType<typeof createObserver>;

/** Declares the autoscaler's metrics. Labels are bounded: actions, ends, sources, phases; never resources. */
export function createObserver(metrics: Metrics) {
  const { decisions, seconds, parks, parkSeconds, up, resources, unknowns, braked, heldBack, lease } = declare(metrics);
  lease.bind({}).set(0);
  const seen = new Set<BoundGauge>();
  const show = (gauge: BoundGauge, value: number): void => {
    seen.add(gauge);
    gauge.set(value);
  };

  return {
    /** @param unknown resources that stay awake since their idleness has been unknown for too long. */
    ticked(result: TickResult, tookMs: number, unknown: number): void {
      seconds.bind({}).observe(tookMs / 1_000);
      const byAction = Map.groupBy(result.decisions, ({ action }) => action);
      for (const [action, { length }] of byAction) decisions.bind({ action }).inc(length);
      for (const { source, failures } of result.reports) show(up.bind({ source }), failures.length === 0 ? 1 : 0);
      for (const phase of ['awake', 'parking', 'asleep', 'waking', 'unknown']) {
        const count = result.resources.filter((resource) => (resource.phase ?? 'unknown') === phase).length;
        show(resources.bind({ phase }), count);
      }
      show(unknowns.bind({}), unknown);
      show(braked.bind({}), result.braked ? 1 : 0);
      show(heldBack.bind({}), result.heldBack);
    },
    parkEnded(end: RingEntry['what'], tookMs: number): void {
      parks.bind({ end }).inc();
      parkSeconds.bind({ end }).observe(tookMs / 1_000);
    },
    /** Drops the values of a tick: those of a replica that no longer acts are out of date. */
    leading(held: boolean): void {
      lease.bind({}).set(held ? 1 : 0);
      if (held) return;
      seen.forEach((gauge) => gauge.remove());
      seen.clear();
    },
  };
}

function declare(metrics: Metrics) {
  return {
    decisions: metrics.counter({
      name: 'autoscaler_decisions_total',
      help: 'Decisions by action, one per resource and tick.',
      labels: ['action'],
    }),
    seconds: metrics.histogram({
      name: 'autoscaler_tick_seconds',
      help: 'How long a tick took to collect and decide.',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    parks: metrics.counter({
      name: 'autoscaler_parks_total',
      help: 'Parks by how they ended.',
      labels: ['end'],
    }),
    parkSeconds: metrics.histogram({
      name: 'autoscaler_park_seconds',
      help: 'How long a park took, preflight included.',
      labels: ['end'],
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120],
    }),
    up: metrics.gauge({
      name: 'autoscaler_source_up',
      help: '1 when the source answered everything in the last tick.',
      labels: ['source'],
    }),
    resources: metrics.gauge({
      name: 'autoscaler_resources',
      help: 'Managed resources by phase.',
      labels: ['phase'],
    }),
    unknowns: metrics.gauge({
      name: 'autoscaler_idleness_unknown',
      help: 'Resources that stay awake since their idleness has been unknown for two windows.',
    }),
    braked: metrics.gauge({
      name: 'autoscaler_brake_on',
      help: '1 while the mass brake lets parks through slowly.',
    }),
    heldBack: metrics.gauge({
      name: 'autoscaler_brake_held_back',
      help: 'Parks that the mass brake held back in the last tick.',
    }),
    lease: metrics.gauge({ name: 'autoscaler_lease_held', help: '1 while this replica acts.' }),
  };
}
