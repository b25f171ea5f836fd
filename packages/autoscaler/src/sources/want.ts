import { metricFullName, type Resource, type ResourceRef, resourceKey, type ScaleResource } from '@scaler/scaler-types';

/** One thing to know about a resource before it may be parked. */
export interface Want {
  /** Equal for wants that one sample answers. */
  key: string;
  resource: ResourceRef;
  /** Which source answers it. */
  kind: 'metric' | 'activity';
  metric: ScaleResource;
  /** What people call it: `requests_per_5m`. */
  label: string;
  /**
   * `idleness`: a value at or below the threshold proves idleness. `use`: a value above it proves use, and nothing else;
   * the DLX's count of a resource whose connections may bypass it.
   */
  proves: 'idleness' | 'use';
}

export interface WantSettings {
  metricNamePattern: string;
  /** Milliseconds, for resources that are idle by the DLX's count and name no time themselves. */
  idleAfterMs: number;
}

/** Everything to know about one resource: each of its scale metrics, and the DLX's count of its requests. */
export function wantsOf(resource: Resource, settings: WantSettings): readonly Want[] {
  const { namespace, name } = resource;
  const want = (kind: Want['kind'], metric: ScaleResource, label: string, proves: Want['proves']): Want => ({
    key: `${resourceKey(resource)} ${kind} ${metric.windowSize} ${label}`,
    resource: { namespace, name },
    kind,
    metric,
    label,
    proves,
  });
  const metrics = resource.scaleResources.map((metric) =>
    want('metric', metric, metricFullName(metric, settings.metricNamePattern), 'idleness'),
  );
  const windowSize =
    resource.idleAfterMs ?? (resource.dlxSeesAll ? settings.idleAfterMs : longestWindow(resource, settings));
  const activity = { metricName: 'requests', windowSize, threshold: 0 };
  return [...metrics, want('activity', activity, 'requests at the DLX', resource.dlxSeesAll ? 'idleness' : 'use')];
}

function longestWindow(resource: Resource, settings: WantSettings): number {
  const windows = resource.scaleResources.map((metric) => metric.windowSize);
  return windows.length > 0 ? Math.max(...windows) : settings.idleAfterMs;
}
