import type { MetricSample, ScalerMetric } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import type { PortNumbers } from '../ports/port-book.ts';
import { reverted } from '../conflict/reverts.ts';

/** Managers are other people's texts: no more of them get a series of their own. */
const mostWriters = 20;
/** So are names of namespaces, where a tenant may make them. */
const mostNamespaces = 20;

/** What only the scaler knows, README has the same table. */
export function metricsOf(
  {
    conflicts,
    isDlxGone,
    startThrottle,
    dlx,
    lostEvents,
  }: Pick<Dependencies, 'conflicts' | 'isDlxGone' | 'startThrottle' | 'dlx' | 'lostEvents'>,
  use?: PortNumbers,
): readonly ScalerMetric[] {
  const contested: ScalerMetric = {
    name: 'contested_resources',
    help: 'Resources that are not parked since another writer keeps taking back what was written, by that writer.',
    kind: 'gauge',
    samples: byWriter(conflicts.writers()),
  };
  const reverts: ScalerMetric = {
    name: 'reverts_total',
    help: 'How often another writer took back what was written, by what it was.',
    kind: 'counter',
    samples: reverted.map((what) => ({ labels: { what }, value: conflicts.reverts.get(what) ?? 0 })),
  };
  const lost: ScalerMetric = {
    name: 'events_lost_total',
    help: 'Events that were not written, since too many of their namespace waited or the API refused them, by namespace.',
    kind: 'counter',
    samples: [...lostEvents].map(([namespace, value]) => ({ labels: { namespace }, value })),
  };
  const known = [contested, reverts, lost, ...(use === undefined ? [] : portMetrics(use))];
  return dlx === undefined ? known : [...known, ...deadMan(isDlxGone(), startThrottle.waiting)];
}

function portMetrics({ free, used, refused }: PortNumbers): readonly ScalerMetric[] {
  return [
    {
      name: 'ports_free',
      help: 'Ports of the DLX that no target has, of the option portRange.',
      kind: 'gauge',
      samples: [{ value: free }],
    },
    {
      name: 'ports',
      help: 'Ports of the DLX that targets of a namespace have; the 20 namespaces with the most, the others together.',
      kind: 'gauge',
      samples: byNamespace(used),
    },
    {
      name: 'ports_refused',
      help: 'Workloads of a namespace that stay awake for want of ports of the DLX; the 20 namespaces with the most, the others together.',
      kind: 'gauge',
      samples: byNamespace(refused),
    },
  ];
}

function byNamespace(counts: ReadonlyMap<string, number>): readonly MetricSample[] {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const others = sorted.slice(mostNamespaces).reduce((sum, [, count]) => sum + count, 0);
  const samples = sorted.slice(0, mostNamespaces).map(([namespace, value]) => ({ labels: { namespace }, value }));
  return others === 0 ? samples : [...samples, { labels: { namespace: 'other' }, value: others }];
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
