import type { MetricSample, ScalerMetric } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import type { PortNumbers } from '../ports/port-book.ts';
import { reverted } from '../conflict/reverts.ts';

/** Managers are other people's texts: no more of them get a series of their own. */
const mostWriters = 20;
/** So are names of namespaces, where a tenant may make them. */
const mostNamespaces = 20;

type Sources = Pick<Dependencies, 'conflicts' | 'isDlxGone' | 'startThrottle' | 'dlx' | 'lostEvents'>;

/** What only the scaler knows, README has the same table. */
export function metricsOf(
  { conflicts, isDlxGone, startThrottle, dlx, lostEvents }: Sources,
  use?: PortNumbers,
): readonly ScalerMetric[] {
  const contested = gauge(
    'contested_resources',
    'Resources that are not parked since another writer keeps taking back what was written, by that writer.',
    byWriter(conflicts.writers()),
  );
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

function gauge(name: string, help: string, samples: readonly MetricSample[]): ScalerMetric {
  return { name, help, kind: 'gauge', samples };
}

function portMetrics({ free, used, refused }: PortNumbers): readonly ScalerMetric[] {
  const most = 'the 20 namespaces with the most, the others together.';
  return [
    gauge('ports_free', 'Ports of the DLX that no target has, of the option portRange.', [{ value: free }]),
    gauge('ports', `Ports of the DLX that targets of a namespace have; ${most}`, byNamespace(used)),
    gauge(
      'ports_refused',
      `Workloads of a namespace that stay awake for want of ports of the DLX; ${most}`,
      byNamespace(refused),
    ),
  ];
}

function byNamespace(counts: ReadonlyMap<string, number>): readonly MetricSample[] {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const others = sorted.slice(mostNamespaces).reduce((sum, [, count]) => sum + count, 0);
  const samples = sorted.slice(0, mostNamespaces).map(([namespace, value]) => ({ labels: { namespace }, value }));
  return others === 0 ? samples : [...samples, { labels: { namespace: 'other' }, value: others }];
}

function deadMan(gone: boolean, waiting: number): readonly ScalerMetric[] {
  const on = 'while the dead-man switch is on';
  return [
    gauge('dlx_gone', `1 ${on}: there has been no ready DLX for too long.`, [{ value: gone ? 1 : 0 }]),
    gauge('dead_man_waiting', `Sleepers that wait for their turn to be started ${on}.`, [{ value: waiting }]),
  ];
}

function byWriter(writers: readonly string[]): readonly MetricSample[] {
  const known = new Set([...new Set(writers)].slice(0, mostWriters));
  const counts = Map.groupBy(writers, (writer) => (known.has(writer) ? writer : 'other'));
  return [...counts].map(([writer, { length }]) => ({ labels: { writer }, value: length }));
}
