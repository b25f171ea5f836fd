import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { withQuery } from '../client/paths.ts';
import { isUnknown, type Metric, readMetricValue } from './metric-answer.ts';
import { pathProblem, requestValues } from './metric-request.ts';
import { createServedVersion } from './served-version.ts';

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

const group = 'external.metrics.k8s.io';

export function createExternalMetricsClient({ client }: { readonly client: KubeClient }): ExternalMetricsClient {
  const version = createServedVersion(client, group, ['v1beta1']);
  return {
    fetchExternalMetric: async ({ namespace, metric, labelSelector, signal, lane, timeoutMs }) => {
      const problem = pathProblem(metric, namespace);
      if (problem !== undefined) return problem;
      const values = await requestValues({
        client,
        version,
        group,
        call: { signal, lane, timeoutMs },
        path: (served) =>
          withQuery(
            `/apis/${group}/${served}/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}`,
            {
              labelSelector,
            },
          ),
      });
      if (isUnknown(values)) return values;
      const [only] = values;
      if (only === undefined) return { unknown: 'no-sample', reason: `${metric} has no value in ${namespace}` };
      if (values.length > 1)
        return { unknown: 'several-values', reason: `${metric} has ${values.length} values in ${namespace}` };
      return readMetricValue(only, metric);
    },
  };
}
