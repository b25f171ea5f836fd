import type { Resource } from '@scaler/scaler-types';
import type { Settings } from '../core.ts';

/** How long a request's waits may be, in milliseconds. */
export interface Limits {
  readonly connectTimeoutMs: number;
  /** 0: as long as it likes. */
  readonly responseTimeoutMs: number;
  /** 0: as long as it likes. */
  readonly idleTimeoutMs: number;
}

// Node's timers fire at once beyond it. Annotations are tenants' input.
const longestMs = 2 ** 31 - 1;

/** The resource's own limits, and the DLX's where it has none. Asked for every try: most resources have none at all. */
export function limitsOf(resource: Resource, settings: Settings): Limits {
  const { connectTimeoutMs, responseTimeoutMs, idleTimeoutMs } = resource;
  if (connectTimeoutMs === undefined && responseTimeoutMs === undefined && idleTimeoutMs === undefined) return settings;
  return {
    connectTimeoutMs: Math.min(connectTimeoutMs ?? settings.connectTimeoutMs, longestMs),
    responseTimeoutMs: responseTimeoutMs ?? settings.responseTimeoutMs,
    idleTimeoutMs: idleTimeoutMs ?? settings.idleTimeoutMs,
  };
}
