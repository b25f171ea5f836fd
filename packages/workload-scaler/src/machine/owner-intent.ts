import { pauseInEffect, type PauseMode } from '@scaler/scaler-types';
import type { Settings } from '../config/settings.ts';

/** What its owner wants of a resource now, whatever its metrics and requests say. */
export interface OwnerIntent {
  /** Of a pause in effect. */
  readonly pause: PauseMode | undefined;
  /** A busy lease on it has not ended. */
  readonly busy: boolean;
  /** Nothing of it is to be begun. */
  readonly dryRun: boolean;
}

export const noOwnerIntent: OwnerIntent = { pause: undefined, busy: false, dryRun: false };

/** Annotations that a park must find as it read them when it writes the zero. */
export const ownerIntentAnnotations = ['scaler/pause', 'scaler/busy-until', 'scaler/dry-run'] as const;

export function ownerIntentOf({ pause, busyUntil, dryRun }: Settings, nowMs: number): OwnerIntent {
  const busy = busyUntil !== undefined && nowMs < Date.parse(busyUntil);
  return { pause: pauseInEffect(pause, nowMs), busy, dryRun };
}

/** Whether no request wakes it. */
export function isLeftAsleep({ pause }: Pick<OwnerIntent, 'pause'>): boolean {
  return pause === 'asleep' || pause === 'as-is';
}
