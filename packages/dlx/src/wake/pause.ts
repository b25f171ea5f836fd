import { pauseInEffect, pauseText, type Resource, type ResourceRef } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import type { Refusal } from '../outcome.ts';

/** A resource that may be paused. */
interface Pausable {
  readonly key: string;
  readonly ref: ResourceRef;
  readonly resource: Resource;
  readonly core: Pick<Core, 'clock' | 'scaler'>;
}

/**
 * The refusal of a request that only a wake could help, where a pause forbids it. Undefined: no pause is known, or the scaler
 * has to say, since what is known is not that it sleeps, or may be out of date.
 */
export function pausedAsleep(gate: Pausable): Refusal | undefined {
  const { resource, core, ref } = gate;
  // A park that a pause wants is not undone by a request; any other is.
  const mode = pauseInEffect(resource.pause, core.clock.now());
  const sleeps = resource.phase === 'asleep' || (resource.phase === 'parking' && mode === 'asleep');
  return sleeps && core.scaler.isStale?.(ref) !== true ? pauseRefusal(gate) : undefined;
}

/** The same, where the scaler has refused for a pause; with the pause's end, as far as that is known. */
export function pauseRefusal({ key, resource, core }: Pausable): Refusal | undefined {
  const { pause } = resource;
  const nowMs = core.clock.now();
  const mode = pauseInEffect(pause, nowMs);
  if (pause === undefined || (mode !== 'asleep' && mode !== 'as-is')) return undefined;
  const endMs = pause.until === undefined ? undefined : Date.parse(pause.until);
  const retryAfterS = endMs === undefined ? null : Math.max(1, Math.ceil((endMs - nowMs) / 1_000));
  return { outcome: 'wake-failed', detail: `${key} is ${pauseText(pause)}`, retryAfterS };
}
