import { formatMetricWindow } from '@scaler/scaler-types';
import { allRefused, allUnknown, askGroups, type CallLimits, type Group, groupWants } from '../ask-groups.ts';
import { type Covered, type Sample, unknown } from '../sample.ts';
import type { Collected, Source } from '../collect.ts';
import type { Want } from '../want.ts';
import type { ReadSeries } from './answer.ts';
import { createPrometheusApi, type PrometheusApi } from './api.ts';
import type { Connection } from './connection.ts';
import type { QueryValues } from './template.ts';
import type { Queries, Query } from './queries.ts';

export interface PrometheusSourceParts extends CallLimits {
  connection: Connection;
  queries: Queries;
}

/** Resources that one query may name. */
const largestGroup = 500;

/** A start counts as a failure, also when it fell between two ticks, so that resources that go idle together after it are parked slowly. */
const justStartedMs = 60_000;

/**
 * Prometheus, asked by the admin's queries; a scale metric names one. One call per distinct query, namespace, window and
 * labels where the query is for many resources, else one per resource.
 */
export function createPrometheusSource({ connection, queries, ...limits }: PrometheusSourceParts): Source {
  const api = createPrometheusApi({ connection, ...limits });
  return {
    name: 'prometheus',
    collect: (wants, { signal }) => {
      const uptime = api.uptime(signal);
      // Each group awaits it; without groups a rejection would be unhandled.
      uptime.catch(() => undefined);
      return askGroups(groupsOf(wants, queries), limits, signal, (group, groupSignal) =>
        askGroup({ api, queries, uptime, nowMs: () => limits.clock.now() }, group, groupSignal),
      );
    },
    close: () => connection.close(),
  };
}

function groupsOf(wants: readonly Want[], queries: Queries): readonly Group[] {
  const groups = groupWants(wants, ({ resource, metric }) => {
    const many = queries.get(metric.metricName)?.label !== undefined;
    return JSON.stringify([
      resource.namespace,
      metric.metricName,
      metric.labels,
      metric.windowSize,
      many ? '' : resource.name,
    ]);
  });
  return groups.flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / largestGroup) }, (_, index) => {
      return group.slice(index * largestGroup, (index + 1) * largestGroup) as unknown as Group;
    }),
  );
}

interface AskParts {
  api: PrometheusApi;
  queries: Queries;
  uptime: Promise<number | undefined>;
  nowMs: () => number;
}

async function askGroup(
  { api, queries, uptime, nowMs }: AskParts,
  group: Group,
  signal: AbortSignal,
): Promise<Collected> {
  const [{ metric, resource }] = group;
  const query = queries.get(metric.metricName);
  if (query === undefined) return allRefused(group, `there is no query "${metric.metricName}" in --prometheus-queries`);
  const problem = labelProblem(query, metric.labels ?? {});
  if (problem !== undefined) return allRefused(group, problem);
  const values: QueryValues = {
    window: formatMetricWindow(metric.windowSize),
    namespace: resource.namespace,
    names: [...new Set(group.map((want) => want.resource.name))],
    labels: metric.labels ?? {},
  };
  try {
    const [upMs, series, doubts] = await Promise.all([
      uptime,
      api.query(query.query.render(values), signal),
      query.doubt ? api.query(query.doubt.render(values), signal) : [],
    ]);
    const covered = upMs === undefined ? undefined : { ms: upMs, since: 'Prometheus started' };
    const facts = { query, series, doubts, covered, nowMs: nowMs() };
    const failures = upMs !== undefined && upMs < justStartedMs ? ['Prometheus has just started'] : [];
    return { samples: new Map(group.map((want) => [want.key, sampleOf(want, facts)])), failures };
  } catch (error) {
    signal.throwIfAborted();
    return allUnknown(group, (error as Error).message);
  }
}

/** Labels that the query needs and the metric lacks, or the other way round: a setting that would have no effect. */
function labelProblem({ query, doubt }: Query, labels: Readonly<Record<string, string>>): string | undefined {
  const used = [...query.placeholders, ...(doubt?.placeholders ?? [])]
    .filter((placeholder) => placeholder.startsWith('labels.'))
    .map((placeholder) => placeholder.slice('labels.'.length));
  const missing = used.find((name) => !Object.hasOwn(labels, name));
  if (missing !== undefined) return `its query needs the label ${missing}`;
  const idle = Object.keys(labels).find((name) => !used.includes(name));
  return idle === undefined ? undefined : `its query has no use for the label ${idle}`;
}

interface SampleFacts {
  query: Query;
  series: readonly ReadSeries[];
  doubts: readonly ReadSeries[];
  covered: Covered | undefined;
  nowMs: number;
}

function sampleOf(want: Want, { query, series, doubts, covered, nowMs }: SampleFacts): Sample {
  const nameless =
    query.label === undefined ? undefined : series.find(({ labels }) => labels[query.label ?? ''] === undefined);
  if (nameless) return unknown(`its query returns a series without the label ${query.label}`);
  const doubt = doubts.find((one) => isOf(want, one, query, true) && !('value' in one && one.value === 0));
  if (doubt) return unknown(`its query's doubt is ${'value' in doubt ? doubt.value : doubt.problem}`);
  const own = series.filter((one) => isOf(want, one, query, false));
  const [only] = own;
  if (only === undefined) return unknown('its query returns no series for it');
  if (own.length > 1) return unknown(`its query returns ${own.length} series for it, and one is needed`);
  if ('problem' in only) return unknown(only.problem);
  return { known: true, value: only.value, ageMs: nowMs - only.timestampMs, covered };
}

/** A doubt without the label is about all resources. */
function isOf({ resource }: Want, { labels }: ReadSeries, { label }: Query, orWithout: boolean): boolean {
  if (label === undefined) return true;
  return labels[label] === resource.name || (orWithout && labels[label] === undefined);
}
