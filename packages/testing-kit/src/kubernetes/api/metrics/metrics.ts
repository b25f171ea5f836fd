import { type Clock } from '@scaler/scaler-types';
import { toTimestamp } from '../object.ts';

/** A value of the custom metrics API: of one object. */
export type CustomMetric = {
  /** `''` or left out for objects without namespace. */
  namespace?: string;
  /** `deployments.apps`, `pods`, `services`. */
  resource: string;
  name: string;
  metric: string;
  /** A quantity, passed on as it is: garbage stays garbage. A function is asked at each request; `undefined` is no value. */
  value: string | (() => string | undefined);
  /** Milliseconds since the epoch. Default: the time of the request. */
  timestamp?: number;
  /** Default: left out of the answer. */
  windowSeconds?: number;
  /** The labels by which `metricLabelSelector` selects. */
  labels?: Record<string, string>;
};

/** A value of the external metrics API. */
export type ExternalMetric = Pick<CustomMetric, 'metric' | 'value' | 'timestamp' | 'windowSeconds' | 'labels'> & {
  namespace: string;
};

/** The served versions, in order of preference; none for an absent group. */
export type ServedMetrics = { custom?: readonly ('v1beta1' | 'v1beta2')[]; external?: boolean };

/** The metrics APIs of a fake API. At first custom metrics are served as v1beta2 and v1beta1, external ones too, both empty. */
export type Metrics = {
  /** Sets the one value of a metric of an object. */
  set(metric: CustomMetric): void;
  /** Adds a value beside the one that is there, so that one object has two. */
  add(metric: CustomMetric): void;
  /** Removes the values that match all given fields. */
  remove(match: Partial<Pick<CustomMetric, 'namespace' | 'resource' | 'name' | 'metric'>>): void;
  setExternal(metric: ExternalMetric): void;
  /** Sets the served groups and versions; a group that is not served is not in discovery either, and answers 404. */
  serve(served: ServedMetrics): void;
  /** While set, both groups answer 503 as when the server behind the aggregation layer is gone. */
  unavailable(down: boolean): void;
  /** How many requests there were for a metric, or for all. */
  calls(metric?: string): number;
};

/** A value at the time of a request. */
type Sample = { value: string; timestamp: string; windowSeconds: number | undefined };

/** The metrics' inner side. */
export type MetricsTable = Metrics & {
  readonly served: Required<ServedMetrics>;
  down: boolean;
  custom: readonly CustomMetric[];
  external: readonly ExternalMetric[];
  count(metric: string): void;
  sample(metric: Pick<CustomMetric, 'value' | 'timestamp' | 'windowSeconds'>): Sample | undefined;
};

const identity = ['namespace', 'resource', 'name', 'metric'] as const;

function same(a: CustomMetric, match: Partial<CustomMetric>): boolean {
  return identity.every((field) => match[field] === undefined || (a[field] ?? '') === match[field]);
}

/** An empty table. */
export function createMetrics(clock: Clock): MetricsTable {
  const counts = new Map<string, number>();
  const table: MetricsTable = {
    served: { custom: ['v1beta2', 'v1beta1'], external: true },
    down: false,
    custom: [],
    external: [],
    set(metric) {
      const { namespace = '' } = metric;
      table.custom = [...table.custom.filter((other) => !same(other, { ...metric, namespace })), metric];
    },
    add: (metric) => void (table.custom = [...table.custom, metric]),
    remove: (match) => void (table.custom = table.custom.filter((metric) => !same(metric, match))),
    setExternal: (metric) => void (table.external = [...table.external, metric]),
    serve: (next) => void Object.assign(table.served, next),
    unavailable: (isDown) => void (table.down = isDown),
    calls: (metric) =>
      metric === undefined ? [...counts.values()].reduce((sum, n) => sum + n, 0) : (counts.get(metric) ?? 0),
    count: (metric) => void counts.set(metric, (counts.get(metric) ?? 0) + 1),
    sample({ value, timestamp = clock.now(), windowSeconds }) {
      const text = typeof value === 'function' ? value() : value;
      return text === undefined ? undefined : { value: text, timestamp: toTimestamp(timestamp), windowSeconds };
    },
  };
  return table;
}
