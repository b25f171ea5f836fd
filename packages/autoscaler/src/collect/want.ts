import {
  type MetricSource,
  metricFullName,
  type Resource,
  type ResourceRef,
  resourceKey,
  type ScaleResource,
  cut,
} from '@scaler/scaler-types';

/** Every source by name. */
export type SourceName = MetricSource | 'dlx-activity';

/** One metric of a resource that has to be known before it may be parked. */
export interface Want {
  /** Equal for wants that one sample answers. */
  key: string;
  resource: ResourceRef;
  /** The kind of the resource in Kubernetes, `statefulsets.apps`; undefined: that of the settings. */
  resourceKind: string | undefined;
  /** The source that answers it; undefined: the settings name none. */
  source: SourceName | undefined;
  metric: ScaleResource;
  /** The name under which the source knows the metric: `requests_per_5m`. */
  metricName: string;
  /** Its name in messages: `requests_per_5m{queue="orders"}`. */
  label: string;
  /**
   * `idleness`: a value at or below the threshold proves idleness. `use`: a value above it proves use, and nothing else;
   * the DLX's count of a resource whose connections may bypass it.
   */
  proves: 'idleness' | 'use';
  /** Whether its value is of one moment and not of its window: a queue's length. */
  momentary: boolean;
}

export interface WantSettings {
  metricNamePattern: string;
  /** For metrics that name no source. */
  defaultSource: MetricSource | undefined;
  /** Names of Prometheus queries whose value is of the window that they are asked for. */
  windowedQueries: ReadonlySet<string>;
  /** Milliseconds, for resources that are idle by the DLX's count and name no time themselves. */
  idleAfterMs: number;
}

/** The wants of a resource, and the fields that they were made of: a scaler may change the same object. */
interface Made {
  of: Record<'scaleResources' | 'kind' | 'idleAfterMs' | 'dlxSeesAll', unknown>;
  by: WantSettings;
  wants: readonly Want[];
}

const made = new WeakMap<Resource, Made>();

/**
 * The wants of one resource: each of its scale metrics, and the DLX's count of its requests. They are cached while the
 * resource stays the same: each tick needs those of a thousand resources twice.
 */
export function wantsOf(resource: Resource, settings: WantSettings): readonly Want[] {
  const before = made.get(resource);
  if (before && isMadeOf(before, resource, settings)) return before.wants;
  const { scaleResources, kind, idleAfterMs, dlxSeesAll } = resource;
  const { metricNamePattern, defaultSource, windowedQueries } = settings;
  const metrics = scaleResources.map((metric) => metricWant(resource, metric, settings));
  const wants = [...metrics, activityWant(resource, settings)];
  made.set(resource, {
    of: { scaleResources, kind, idleAfterMs, dlxSeesAll },
    by: { metricNamePattern, defaultSource, windowedQueries, idleAfterMs: settings.idleAfterMs },
    wants,
  });
  return wants;
}

function isMadeOf({ of, by }: Made, resource: Resource, settings: WantSettings): boolean {
  return (
    of.scaleResources === resource.scaleResources &&
    of.kind === resource.kind &&
    of.idleAfterMs === resource.idleAfterMs &&
    of.dlxSeesAll === resource.dlxSeesAll &&
    by.metricNamePattern === settings.metricNamePattern &&
    by.defaultSource === settings.defaultSource &&
    by.windowedQueries === settings.windowedQueries &&
    by.idleAfterMs === settings.idleAfterMs
  );
}

function metricWant(resource: Resource, metric: ScaleResource, settings: WantSettings): Want {
  const { namespace, name, kind } = resource;
  const source = metric.source ?? settings.defaultSource;
  // Adapters name windowed metrics by the pattern. The names of other sources do not contain the window.
  const named = source === 'external-metrics' || source === 'prometheus';
  const metricName = named ? metric.metricName : metricFullName(metric, settings.metricNamePattern);
  const asked = JSON.stringify([metricName, metric.labels, metric.object]);
  return {
    key: `${resourceKey(resource)} ${source} ${metric.windowSize} ${asked}`,
    resource: { namespace, name },
    resourceKind: kind,
    source,
    metric,
    metricName,
    label: cut(`${metricName}${labelsText(metric)}${objectText(metric)}`, longestLabel),
    proves: 'idleness',
    momentary: source !== undefined && !isWindowed(source, metric, settings),
  };
}

/** Characters of a label, which is part of each reason that the history keeps. */
const longestLabel = 160;

/** Only the name or the query gives the window of a value; the name of an external metric does not. */
function isWindowed(source: MetricSource, { metricName }: ScaleResource, settings: WantSettings): boolean {
  if (source === 'prometheus') return settings.windowedQueries.has(metricName);
  return source === 'custom-metrics' && settings.metricNamePattern.includes('<window>');
}

function activityWant(resource: Resource, settings: WantSettings): Want {
  const { namespace, name, kind } = resource;
  const windowSize =
    resource.idleAfterMs ?? (resource.dlxSeesAll ? settings.idleAfterMs : longestWindow(resource, settings));
  return {
    key: `${resourceKey(resource)} dlx-activity ${windowSize}`,
    resource: { namespace, name },
    resourceKind: kind,
    source: 'dlx-activity',
    metric: { metricName: 'requests', windowSize, threshold: 0 },
    metricName: 'requests',
    label: 'requests at the DLX',
    proves: resource.dlxSeesAll ? 'idleness' : 'use',
    momentary: false,
  };
}

/** The longest window of a resource's wants, in milliseconds. */
export function longestWindowMs(resource: Resource, settings: WantSettings): number {
  return Math.max(...wantsOf(resource, settings).map(({ metric }) => metric.windowSize));
}

function longestWindow(resource: Resource, settings: WantSettings): number {
  const windows = resource.scaleResources.map((metric) => metric.windowSize);
  return windows.length > 0 ? Math.max(...windows) : settings.idleAfterMs;
}

/** `{queue="orders"}`, in the labels' alphabetical order. */
function labelsText({ labels = {} }: ScaleResource): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}}`;
}

function objectText({ object }: ScaleResource): string {
  if (object === undefined) return '';
  if (object.selector !== undefined) return ` of ${object.resource} ${object.selector}`;
  return ` of ${object.resource}${object.name === undefined ? '' : `/${object.name}`}`;
}
