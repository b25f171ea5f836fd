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

export function limitsOf(_resource: Resource, settings: Settings): Limits {
  return settings;
}
