export type WorkloadKind = 'Deployment' | 'StatefulSet';

/** The resources under test: both kinds of workloads, three routing modes, two namespaces. */
export interface Member {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly routing: 'overlay' | 'selector' | 'always';
  /** Whether the autoscaler judges a metric of the metrics API, beside the DLX's own count. */
  readonly metric: boolean;
  readonly replicas: number;
  /** Its pods stop accepting connections only after this, so that another client may scale down without a loss. */
  readonly preStopSeconds: number;
  /** Has a readinessProbe that takes a while until it passes. */
  readonly probed: boolean;
  /** The scaler asks its pods whether it may sleep. */
  readonly veto: boolean;
}

export const plurals: Readonly<Record<WorkloadKind, string>> = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
};

/** The name of its kind in the fake API's store. */
export const gvrOf = ({ kind }: Pick<Member, 'kind'>): string => `apps/v1/${plurals[kind]}`;
export const workloadGvrs: readonly string[] = [gvrOf({ kind: 'Deployment' }), gvrOf({ kind: 'StatefulSet' })];

/** In seconds of the product's time; short, so that much happens in little of it. */
export const times = {
  interval: 2,
  window: 8,
  cooldown: 6,
  settle: 2,
  deadManSwitch: 20,
  lease: 9,
} as const;

export const metricName = `requests_per_${times.window}s`;
export const brakeParks = 3;

export const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

export const fleet: readonly Member[] = [
  ...modes('selector', 6, { metric: true }),
  ...modes('overlay', 4, { metric: true }),
  ...modes('always', 3, { metric: true }),
  ...modes('always', 2, { metric: false }, 3),
];

function modes(
  routing: Member['routing'],
  count: number,
  { metric }: Pick<Member, 'metric'>,
  from = 0,
): readonly Member[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: i % 3 === 1 ? 'StatefulSet' : 'Deployment',
    namespace: (from + i) % 2 === 0 ? 'shop' : 'lab',
    name: `${routing}-${from + i}`,
    routing,
    metric,
    replicas: (from + i) % 3 === 2 ? 2 : 1,
    preStopSeconds: routing === 'overlay' || (from + i) % 2 === 0 ? 8 : 0,
    // Without a probe a pod is Ready before it listens, which in `overlay` loses connections, whatever started the pod.
    probed: routing === 'overlay' || i % 2 === 0,
    veto: i % 3 === 0,
  }));
}
