export type WorkloadKind = 'Deployment' | 'StatefulSet';

/** The resources under test: both kinds of workloads, three routing modes, two namespaces. */
export interface Member {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly routing: 'overlay' | 'selector' | 'always';
  /** Whether a metric of the metrics API is judged, beside the DLX's own count. */
  readonly metric: boolean;
  readonly replicas: number;
  /** Its pods stop taking connections only after this, so that others may take some away without a loss. */
  readonly preStopSeconds: number;
  /** Has a readinessProbe, and takes a while until it passes. */
  readonly probed: boolean;
  /** Its pods are asked whether it may sleep. */
  readonly veto: boolean;
}

export const plurals: Readonly<Record<WorkloadKind, string>> = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
};

/** As the fake API's store names its kind. */
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
    // Without a probe a pod is Ready before it listens, which in `overlay` loses connections whoever started it.
    probed: routing === 'overlay' || i % 2 === 0,
    veto: i % 3 === 0,
  }));
}
