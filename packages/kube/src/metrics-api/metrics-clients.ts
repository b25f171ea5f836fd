import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { withQuery } from '../client/paths.ts';
import { isUnknown, type Metric, type RawMetricValue, readMetricValue, type UnknownMetric } from './metric-answer.ts';
import { MetricsApi, pathProblem } from './metrics-api.ts';

/** The metric and the objects of a query. */
export interface ObjectMetricQuery extends CallOptions {
  readonly namespace: string;
  /** Plural and group, as the API wants it: `deployments.apps`, `pods`. */
  readonly resource: string;
  readonly metric: string;
  /** One object, by its own path. Not together with a selector. */
  readonly name?: string | undefined;
  /** Which objects; default: all of the namespace. */
  readonly labelSelector?: string | undefined;
  /** Which series of the metric. */
  readonly metricLabelSelector?: string | undefined;
  /** Objects that have to be in the answer: a missing one is unknown. */
  readonly names?: readonly string[] | undefined;
}

/** The values by the objects' names, or the reason why none is known. */
export type ObjectMetrics = ReadonlyMap<string, Metric> | UnknownMetric;

const group = 'custom.metrics.k8s.io';

export type CustomMetricsClient = ReturnType<typeof createCustomMetricsClient>;

/** Reads `custom.metrics.k8s.io`, as prometheus-adapter, KEDA and others serve it. */
export function createCustomMetricsClient({ client }: { readonly client: KubeClient }) {
  const api = new MetricsApi(client, group, ['v1beta2', 'v1beta1']);
  return {
    /**
     * One request for one object, or for all of a namespace. A missing or wrong value is unknown with its reason, never zero.
     *
     * @throws KubeError `aborted` only.
     */
    fetchObjectMetric: async (query: ObjectMetricQuery): Promise<ObjectMetrics> => {
      const { namespace, resource, name, metric, labelSelector, metricLabelSelector, signal, lane, timeoutMs } = query;
      const problem = pathProblem(metric, resource, name ?? 'any', namespace);
      if (problem !== undefined) return problem;
      const objects = `${encodeURIComponent(resource)}/${name === undefined ? '*' : encodeURIComponent(name)}`;
      const path = `namespaces/${encodeURIComponent(namespace)}/${objects}/${encodeURIComponent(metric)}`;
      const selected = withQuery(path, { labelSelector, metricLabelSelector });
      const values = await api.values(selected, { signal, lane, timeoutMs });
      return isUnknown(values) ? values : byName(values, query);
    },
  };
}

function byName(values: readonly RawMetricValue[], query: ObjectMetricQuery): ObjectMetrics {
  const { metric, names = [] } = query;
  const found = new Map<string, Metric>();
  for (const raw of values) {
    const { name, namespace } = raw.describedObject ?? {};
    if (typeof name !== 'string' || name === '') {
      return { unknown: 'bad-answer', reason: `${group} answered a value of ${metric} that names no object` };
    }
    if (namespace !== undefined && namespace !== query.namespace) continue;
    const whose = `${metric} of ${query.resource} ${name}`;
    // Which of the values is right cannot be known.
    if (found.has(name)) found.set(name, { unknown: 'several-values', reason: `${whose} has more than one value` });
    else found.set(name, readMetricValue(raw, whose));
  }
  for (const name of names) {
    if (!found.has(name))
      found.set(name, { unknown: 'no-sample', reason: `${metric} of ${query.resource} ${name} is not in the answer` });
  }
  return found;
}

export interface ExternalMetricQuery extends CallOptions {
  readonly namespace: string;
  readonly metric: string;
  /** Labels that leave one series: the API does not name the object of a value. */
  readonly labelSelector?: string | undefined;
}

export type ExternalMetricsClient = ReturnType<typeof createExternalMetricsClient>;

/** Reads `external.metrics.k8s.io`: values that belong to no object. */
export function createExternalMetricsClient({ client }: { readonly client: KubeClient }) {
  const api = new MetricsApi(client, 'external.metrics.k8s.io', ['v1beta1']);
  return {
    /** @throws KubeError `aborted` only. */
    fetchExternalMetric: async (query: ExternalMetricQuery): Promise<Metric> => {
      const { namespace, metric, labelSelector, signal, lane, timeoutMs } = query;
      const problem = pathProblem(metric, namespace);
      if (problem !== undefined) return problem;
      const path = `namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}`;
      const values = await api.values(withQuery(path, { labelSelector }), { signal, lane, timeoutMs });
      if (isUnknown(values)) return values;
      const [only] = values;
      if (only === undefined) return { unknown: 'no-sample', reason: `${metric} has no value in ${namespace}` };
      if (values.length > 1)
        return { unknown: 'several-values', reason: `${metric} has ${values.length} values in ${namespace}` };
      return readMetricValue(only, metric);
    },
  };
}
