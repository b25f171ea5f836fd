import { type ExternalMetricsClient, isUnknownMetric } from '@scaler/kube';
import { allRefused, askGroups, type CallLimits, groupWants } from './ask-groups.ts';
import { isFailure, knownBy } from './custom-metrics.ts';
import { problemOf, selectorOf } from './label-selector.ts';
import { samplesOf } from './sample.ts';
import type { Source } from './source.ts';

export interface ExternalMetricsSourceParts extends CallLimits {
  client: ExternalMetricsClient;
}

/**
 * The external metrics API. One call per distinct metric, labels and namespace: the API does not name the object of a value,
 * so the labels of the scale metric have to leave exactly one value.
 */
export function createExternalMetricsSource({ client, ...limits }: ExternalMetricsSourceParts): Source {
  return {
    name: 'external-metrics',
    collect: (wants, { signal }) => {
      const groups = groupWants(wants, ({ resource, metricName, metric }) =>
        JSON.stringify([resource.namespace, metricName, metric.labels]),
      );
      return askGroups(groups, limits, signal, async (group, groupSignal) => {
        const [{ resource, metricName, metric }] = group;
        const problem = problemOf(metric.labels);
        if (problem !== undefined) return allRefused(group, problem);
        const answer = await client.fetchExternalMetric({
          namespace: resource.namespace,
          metric: metricName,
          labelSelector: selectorOf(metric.labels),
          signal: groupSignal,
          timeoutMs: limits.timeoutMs,
        });
        const sample = knownBy(answer, limits.clock.now());
        const failures = isUnknownMetric(answer) && isFailure(answer, group[0]) ? [answer.reason] : [];
        return { samples: samplesOf(group, () => sample), failures };
      });
    },
  };
}
