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
