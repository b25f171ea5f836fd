import { FakeApiError, noSuchResource } from '../errors.ts';
import { type ExtraGroup, resourceOf } from '../http/discovery.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import { type ApiRequest } from '../http/request.ts';
import { groupVersionOf, gvrOf, type Kind, qualifiedResource } from '../kinds.ts';
import { labelSelector } from '../selectors.ts';
import type { Store } from '../store/store.ts';
import { type CustomMetric, type MetricsTable } from './metrics.ts';

const customGroup = 'custom.metrics.k8s.io';
const externalGroup = 'external.metrics.k8s.io';

type Asked = Record<'version' | 'namespace' | 'resource' | 'name' | 'metric' | 'labels' | 'series', string>;

/** `/namespaces/NS/RESOURCE/NAME/METRIC` or, for objects without namespace, `/RESOURCE/NAME/METRIC`. */
function parse({ path, query, version }: ApiRequest): Asked | undefined {
  const parts = path.split('/').slice(4).map(decodeURIComponent);
  const ofNamespace = parts[0] === 'namespaces' && parts.length > 3;
  const [resource, name, ...metric] = ofNamespace ? parts.slice(2) : parts;
  const labels = query.get('labelSelector') ?? '';
  const series = query.get('metricLabelSelector') ?? '';
  // `/namespaces/NS/metrics/METRIC` describes the namespace itself.
  if (parts[0] === 'namespaces' && parts[2] === 'metrics')
    return { version, namespace: '', resource: 'namespaces', name: parts[1]!, metric: parts[3]!, labels, series };
  if (resource === undefined || name === undefined || metric.length !== 1) return undefined;
  return { version, namespace: ofNamespace ? parts[1]! : '', resource, name, metric: metric[0]!, labels, series };
}

function kindOf(store: Store, resource: string): Kind | undefined {
  return store.kinds.find(
    (kind) => qualifiedResource(kind) === resource || (kind.resource === resource && kind.group === ''),
  );
}

/** The names that `*` stands for: of the objects there are, like a real adapter lists them. A kind we do not know has what was set. */
function isAsked({ namespace, name, labels, resource }: Asked, store: Store): (metric: CustomMetric) => boolean {
  if (name !== '*') return (metric) => metric.name === name;
  const kind = kindOf(store, resource);
  if (kind === undefined) return () => labels === '';
  const selects = labelSelector(labels);
  return (metric) => {
    const object = store.find(gvrOf(kind), namespace, metric.name);
    return object !== undefined && selects(object);
  };
}

/** Selects by the labels of a metric's series, as a selector of objects does by theirs. */
function selectsLabels(selector: string): (metric: Pick<CustomMetric, 'labels'>) => boolean {
  const selects = labelSelector(selector);
  return ({ labels = {} }) => selects({ metadata: { labels } } as never);
}

function describe({ namespace, name, resource }: CustomMetric, store: Store): unknown {
  const kind = kindOf(store, resource);
  const apiVersion = kind === undefined ? `${resource.split('.').slice(1).join('.')}/v1` : groupVersionOf(kind);
  return { kind: kind?.kind ?? resource, ...((namespace ?? '') === '' ? {} : { namespace }), name, apiVersion };
}

function serveCustom(asked: Asked, metrics: MetricsTable, store: Store): Reply {
  const chosen = isAsked(asked, store);
  const isSeries = selectsLabels(asked.series);
  const items = metrics.custom
    .filter(
      (m) =>
        m.metric === asked.metric &&
        m.resource === asked.resource &&
        (m.namespace ?? '') === asked.namespace &&
        chosen(m) &&
        isSeries(m),
    )
    .flatMap((metric) => {
      const sample = metrics.sample(metric);
      if (sample === undefined) return [];
      const { windowSeconds, ...measured } = sample;
      const own = { describedObject: describe(metric, store), ...measured };
      // The two versions name the metric and its window in different ways.
      const named =
        asked.version === 'v1beta1'
          ? { metricName: metric.metric, window: windowSeconds, selector: null }
          : { metric: { name: metric.metric, selector: null }, windowSeconds };
      return [{ ...own, ...named }];
    });
  if (items.length === 0) {
    const object = asked.name === '*' ? '' : ` ${asked.name}`;
    throw new FakeApiError(
      'NotFound',
      `the server could not find the metric ${asked.metric} for ${asked.resource}${object}`,
      {},
    );
  }
  return jsonReply({ kind: 'MetricValueList', apiVersion: `${customGroup}/${asked.version}`, metadata: {}, items });
}

function serveExternal({ path, query }: ApiRequest, metrics: MetricsTable): Reply {
  const [, namespace, name] = path.split('/').slice(4).map(decodeURIComponent);
  metrics.count(name!);
  const isSeries = selectsLabels(query.get('labelSelector') ?? '');
  const items = metrics.external
    .filter((m) => m.metric === name && m.namespace === namespace && isSeries(m))
    .flatMap((metric) => {
      const sample = metrics.sample(metric);
      if (sample === undefined) return [];
      const { windowSeconds, ...measured } = sample;
      return [{ metricName: name, metricLabels: metric.labels ?? {}, ...measured, window: windowSeconds }];
    });
  return jsonReply({ kind: 'ExternalMetricValueList', apiVersion: `${externalGroup}/v1beta1`, metadata: {}, items });
}

/** The groups for discovery. */
export function metricGroups({ served, custom, external }: MetricsTable): ExtraGroup[] {
  const list = 'MetricValueList';
  return [
    {
      group: customGroup,
      versions: served.custom,
      resources: () =>
        [...new Map(custom.map((m) => [`${m.resource}/${m.metric}`, (m.namespace ?? '') !== '']))].map(
          ([name, namespaced]) => resourceOf(name, list, ['get'], { namespaced }),
        ),
    },
    {
      group: externalGroup,
      versions: served.external ? ['v1beta1'] : [],
      resources: () =>
        [...new Set(external.map((m) => m.metric))].map((name) => resourceOf(name, `External${list}`, ['get'])),
    },
  ];
}

/** Answers a request below the metrics groups; `undefined` when it is not one, or the group or version is absent. */
export function serveMetrics(request: ApiRequest, metrics: MetricsTable, store: Store): Reply | undefined {
  const { group, version, path } = request;
  const isCustom = group === customGroup && metrics.served.custom.some((v) => v === version);
  const isExternal = group === externalGroup && metrics.served.external && version === 'v1beta1';
  if (!isCustom && !isExternal) return undefined;
  const asked = isCustom ? parse(request) : undefined;
  if (asked !== undefined) metrics.count(asked.metric);
  if (metrics.down)
    return {
      status: 503,
      text: 'service unavailable\n',
      contentType: 'text/plain; charset=utf-8',
      headers: { 'x-content-type-options': 'nosniff' },
    };
  if (path.split('/').length <= 4) return undefined;
  if (isExternal) return serveExternal(request, metrics);
  if (asked === undefined) throw noSuchResource();
  return serveCustom(asked, metrics, store);
}
