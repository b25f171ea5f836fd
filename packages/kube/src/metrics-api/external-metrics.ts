import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { withQuery } from '../client/paths.ts';
import { isUnknown, type Metric, readMetricValue } from './metric-answer.ts';
import { MetricsApi, pathProblem } from './metrics-api.ts';

export interface ExternalMetricQuery extends CallOptions {
  readonly namespace: string;
  readonly metric: string;
  /** Labels that leave one series: the API does not name the object of a value. */
  readonly labelSelector?: string | undefined;
}

/** Reads `external.metrics.k8s.io`: values that belong to no object. */
export interface ExternalMetricsClient {
  /** @throws KubeError `aborted` only. */
  fetchExternalMetric(query: ExternalMetricQuery): Promise<Metric>;
}

export function createExternalMetricsClient({ client }: { readonly client: KubeClient }): ExternalMetricsClient {
  const api = new MetricsApi(client, 'external.metrics.k8s.io', ['v1beta1']);
  return {
    fetchExternalMetric: async ({ namespace, metric, labelSelector, signal, lane, timeoutMs }) => {
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
