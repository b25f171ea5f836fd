import type { Metrics } from '@scaler/runtime';
import { type Clock, type Resource, resourceKey } from '@scaler/scaler-types';
import type { ResourceView } from './resource-view.ts';

const unfinished = ['parking', 'waking'] as const;
type Unfinished = (typeof unfinished)[number];

interface Step {
  phase: Unfinished;
  /** By the monotonic clock. */
  sinceMs: number;
}

/**
 * Shows the age of the oldest step that has begun and not ended, at each scrape and by every replica: an age that only grows
 * is a step that is stuck. It is counted from the last scale event, else from when the step is first seen.
 */
export function observeSteps(
  metrics: Metrics,
  view: Pick<ResourceView, 'list' | 'get' | 'onChange'>,
  clock: Clock,
): void {
  const steps = new Map<string, Step>();
  const look = (key: string, resource: Resource | undefined): void => {
    const phase = unfinished.find((one) => one === resource?.phase);
    if (!resource || !phase) steps.delete(key);
    else if (steps.get(key)?.phase !== phase) steps.set(key, { phase, sinceMs: beganMs(resource, phase, clock) });
  };
  for (const resource of view.list()) look(resourceKey(resource), resource);
  view.onChange((ref) => look(resourceKey(ref), view.get(ref)));
  metrics.gauge({
    name: 'autoscaler_oldest_step_seconds',
    help: 'How long ago the oldest step began that has not ended, by phase; 0: there is none.',
    labels: ['phase'],
    collect: (set) => {
      for (const phase of unfinished) {
        const ages = [...steps.values()]
          .filter((one) => one.phase === phase)
          .map((one) => clock.monotonic() - one.sinceMs);
        set({ phase }, ages.reduce((oldest, age) => Math.max(oldest, age), 0) / 1_000);
      }
    },
  });
}

const startedEvents: Readonly<Record<Unfinished, Resource['lastScaleEvent']>> = {
  parking: 'scaleToZeroStarted',
  waking: 'scaleFromZeroStarted',
};

function beganMs({ lastScaleEvent, lastScaleEventTime }: Resource, phase: Unfinished, clock: Clock): number {
  const agoMs = clock.now() - Date.parse(lastScaleEvent === startedEvents[phase] ? (lastScaleEventTime ?? '') : '');
  return clock.monotonic() - (agoMs > 0 ? agoMs : 0);
}
