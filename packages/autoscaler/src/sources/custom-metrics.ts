import {
  type CustomMetricsClient,
  isUnknownMetric,
  type Metric,
  type ObjectMetrics,
  type UnknownMetricCode,
} from '@scaler/kube';
import type { Clock } from '@scaler/scaler-types';
import { mapBounded } from '../map-bounded.ts';
import { type Sample, unknown } from './sample.ts';
import type { Collected, Source } from './source.ts';
import type { Want } from './want.ts';

export interface CustomMetricsSourceParts {
  client: CustomMetricsClient;
  /** The kind that the API describes: `deployments.apps`. */
  resource: string;
  clock: Clock;
  /** Milliseconds for one call. */
  timeoutMs: number;
  /** Calls at once. */
  concurrency: number;
}

/**
 * The custom metrics API. One call per distinct metric and namespace, however many resources want it: the API is
 * namespaced, and what adapters tell across namespaces does not say whose namespace a value is from.
 */
export function createCustomMetricsSource(parts: CustomMetricsSourceParts): Source {
  return {
    name: 'custom-metrics',
    kind: 'metric',
    async collect(wants, { signal }): Promise<Collected> {
      const samples = new Map<string, Sample>();
      const failures: string[] = [];
      const groups = [...Map.groupBy(wants, (want) => `${want.resource.namespace}/${want.label}`).values()];
      await mapBounded(groups, parts.concurrency, async (group) => {
        const answer = await fetchGroup(parts, group, signal);
        if (isUnknownMetric(answer) && ofTheSource.has(answer.unknown)) failures.push(answer.why);
        const nowMs = parts.clock.now();
        for (const want of group) samples.set(want.key, sampleOf(want, answer, nowMs));
      });
      return { samples, failures };
    },
  };
}

/** A metric or a value that is not there says something about them; these say that the source is broken. */
const ofTheSource: ReadonlySet<UnknownMetricCode> = new Set(['no-api', 'api-error', 'bad-answer']);

function fetchGroup(
  { client, resource, timeoutMs }: CustomMetricsSourceParts,
  group: readonly Want[],
  signal: AbortSignal,
): Promise<ObjectMetrics> {
  const names = group.map((want) => want.resource.name);
  const [first] = group;
  return client.fetchObjectMetric({
    namespace: first?.resource.namespace,
    metric: first?.label ?? '',
    resource,
    names,
    signal,
    timeoutMs,
  });
}

function sampleOf(want: Want, answer: ObjectMetrics, nowMs: number): Sample {
  const metric: Metric | undefined = isUnknownMetric(answer) ? answer : answer.get(want.resource.name);
  if (!metric) return unknown('the metrics API has no value for it');
  if (isUnknownMetric(metric)) return unknown(`${metric.unknown}: ${metric.why}`);
  return { known: true, value: metric.value, ageMs: nowMs - metric.timestampMs };
}
