import type { MetricSample, ScalerMetric } from '@scaler/scaler-types';
import type { Ground } from './ground.ts';
import { reverted } from './rivalry.ts';

/** Managers are other people's texts: no more of them get a series of their own. */
const mostWriters = 20;

/** What only the scaler knows, README has the same table. */
export function metricsOf({
  rivals,
  isDlxGone,
  pace,
  dlx,
  lostEvents,
}: Pick<Ground, 'rivals' | 'isDlxGone' | 'pace' | 'dlx' | 'lostEvents'>): readonly ScalerMetric[] {
  const contested: ScalerMetric = {
    name: 'contested_resources',
    help: 'Resources that are not parked since another writer keeps taking back what was written, by that writer.',
    kind: 'gauge',
    samples: byWriter(rivals.writers()),
  };
  const reverts: ScalerMetric = {
    name: 'reverts_total',
    help: 'How often another writer took back what was written, by what it was.',
    kind: 'counter',
    samples: reverted.map((what) => ({ labels: { what }, value: rivals.reverts.get(what) ?? 0 })),
  };
  const lost: ScalerMetric = {
    name: 'events_lost_total',
    help: 'Events that were not written, since too many of their namespace waited or the API refused them, by namespace.',
    kind: 'counter',
    samples: [...lostEvents].map(([namespace, value]) => ({ labels: { namespace }, value })),
  };
  const common = [contested, reverts, lost];
  return dlx === undefined ? common : [...common, ...deadMan(isDlxGone(), pace.waiting)];
}

function deadMan(gone: boolean, waiting: number): readonly ScalerMetric[] {
  return [
    {
      name: 'dlx_gone',
      help: '1 while the dead-man switch is on: there has been no ready DLX for too long.',
      kind: 'gauge',
      samples: [{ value: gone ? 1 : 0 }],
    },
    {
      name: 'dead_man_waiting',
      help: 'Sleepers that wait for their turn to be started while the dead-man switch is on.',
      kind: 'gauge',
      samples: [{ value: waiting }],
    },
  ];
}

function byWriter(writers: readonly string[]): readonly MetricSample[] {
  const known = new Set([...new Set(writers)].slice(0, mostWriters));
  const counts = Map.groupBy(writers, (writer) => (known.has(writer) ? writer : 'other'));
  return [...counts].map(([writer, { length }]) => ({ labels: { writer }, value: length }));
}
