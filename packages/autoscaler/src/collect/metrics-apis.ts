import {
  type CustomMetricsClient,
  type ExternalMetricsClient,
  isUnknownMetric,
  type Metric,
  type ObjectMetrics,
  type UnknownMetric,
  type UnknownMetricCode,
} from '@scaler/kube';
import { allRefused, askGroups, type CallLimits, type Group, groupWants } from './ask-groups.ts';
import { type Sample, samplesOf, unknown } from './sample.ts';
import type { Collected, Source } from './collect.ts';
import type { Want } from './want.ts';

export interface CustomMetricsSourceParts extends CallLimits {
  client: CustomMetricsClient;
  /** The kind of resources whose scaler names none: `deployments.apps`. */
  resource: string;
}

/**
 * The custom metrics API. One call per distinct metric, kind and namespace, however many resources want it: the API is
 * namespaced, and adapters' answers across namespaces do not name the namespace of a value. A single object is asked for by
 * its own path.
 */
export function createCustomMetricsSource(parts: CustomMetricsSourceParts): Source {
  const call = callOf(parts);
  return {
    name: 'custom-metrics',
    collect: (wants, { signal }) =>
      askGroups(groupWants(wants, call), parts, signal, (group, groupSignal) => fetchGroup(parts, group, groupSignal)),
  };
}

/** Equal for wants that one call answers. */
function callOf({ resource }: CustomMetricsSourceParts): (want: Want) => string {
  // A resource has the same wants at each tick.
  const known = new WeakMap<Want, string>();
  return (want) => {
    const before = known.get(want);
    if (before !== undefined) return before;
    const { labels, object } = want.metric;
    const kind = object?.resource ?? want.resourceKind ?? resource;
    const call = JSON.stringify([want.resource.namespace, kind, want.metricName, labels, object?.selector]);
    known.set(want, call);
    return call;
  };
}

/** A metric or a value that is missing is a fact about the metric; these codes mean that the source is broken. */
const ofTheSource: ReadonlySet<UnknownMetricCode> = new Set(['no-api', 'api-error', 'bad-answer']);

/** Whether the source has failed; not when a tenant asks for objects that the autoscaler may not see. */
function isFailure({ unknown: code }: UnknownMetric, { metric }: Want): boolean {
  return ofTheSource.has(code) && (metric.object === undefined || code !== 'api-error');
}

async function fetchGroup(
  { client, resource, timeoutMs, clock }: CustomMetricsSourceParts,
  group: Group,
  signal: AbortSignal,
): Promise<Collected> {
  const [first] = group;
  const { object, labels } = first.metric;
  const names = [...new Set(group.map(nameOf))];
  const labelProblem = problemOf(labels);
  if (labelProblem !== undefined) return allRefused(group, labelProblem);
  const one = object?.selector === undefined && names.length === 1 ? names[0] : undefined;
  const answer = await client.fetchObjectMetric({
    namespace: first.resource.namespace,
    metric: first.metricName,
    resource: object?.resource ?? first.resourceKind ?? resource,
    name: one,
    names: object?.selector === undefined ? names : [],
    labelSelector: object?.selector,
    metricLabelSelector: selectorOf(labels),
    signal,
    timeoutMs,
  });
  const nowMs = clock.now();
  const failed = isUnknownMetric(answer) && isFailure(answer, first);
  return {
    samples: samplesOf(group, (want) => sampleOf(want, answer, nowMs)),
    failures: failed ? [answer.reason] : [],
  };
}

function nameOf({ metric, resource }: Want): string {
  return metric.object?.name ?? resource.name;
}

function sampleOf(want: Want, answer: ObjectMetrics, nowMs: number): Sample {
  if (isUnknownMetric(answer)) return unknownBy(answer);
  if (want.metric.object?.selector !== undefined) return sumOf([...answer.values()], nowMs);
  const metric = answer.get(nameOf(want));
  return metric ? knownBy(metric, nowMs) : unknown('the metrics API has no value for it');
}

/** The sum over several objects, as old as the oldest. One unknown object makes it unknown, since that one may be in use. */
function sumOf(metrics: readonly Metric[], nowMs: number): Sample {
  let value = 0;
  let ageMs = -Infinity;
  for (const metric of metrics) {
    const sample = knownBy(metric, nowMs);
    if (!sample.known) return sample;
    value += sample.value;
    ageMs = Math.max(ageMs, sample.ageMs);
  }
  return metrics.length === 0 ? unknown('no-sample: the selector matches no object') : { known: true, value, ageMs };
}

/** A sample of one metric of a metrics API. */
function knownBy(metric: Metric, nowMs: number): Sample {
  if (isUnknownMetric(metric)) return unknownBy(metric);
  return { known: true, value: metric.value, ageMs: nowMs - metric.timestampMs };
}

function unknownBy({ unknown: code, reason }: UnknownMetric): Sample {
  return unknown(`${code}: ${reason}`);
}

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

type Labels = Readonly<Record<string, string>> | undefined;

/** `a=x,b=y`; undefined for no labels. Only for labels without a {@link problemOf}. */
function selectorOf(labels: Labels): string | undefined {
  const pairs = Object.entries(labels ?? {});
  return pairs.length === 0 ? undefined : pairs.map(([name, value]) => `${name}=${value}`).join(',');
}

/** A clause that names a value that a selector cannot hold: a comma in it would begin another requirement. */
function problemOf(labels: Labels): string | undefined {
  const wrong = Object.entries(labels ?? {}).find(
    ([, value]) => !/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/.test(value),
  );
  return wrong && `its label ${wrong[0]} is ${JSON.stringify(wrong[1])}, which is no label's value`;
}
