import { pauseInEffect, pauseText, type Resource } from '@scaler/scaler-types';
import { keyOf } from '../observe/key-of.ts';
import { type Instant, wallText } from './instant.ts';
import type { Memory } from './memory.ts';

export interface IntentFacts {
  now: Instant;
  memory: Pick<Memory, 'awakeFrom'>;
}

/** The owner's intent at this moment, which holds whatever the samples are: each reason to keep it awake, as a clause. */
export function standingIntent(resource: Resource, { wallMs }: Instant): readonly string[] {
  return [afterPause(resource, wallMs), whileBusy(resource, wallMs)].filter((reason) => reason !== undefined);
}

/** Whether a pause puts it to sleep now, whatever the samples are. */
export function isPausedAsleep({ pause }: Resource, { wallMs }: Instant): boolean {
  return pauseInEffect(pause, wallMs) === 'asleep';
}

/** The reason why its minimum time awake is not over; undefined: it is. */
export function minimumAwake(resource: Resource, { now, memory }: IntentFacts): string | undefined {
  const { minAwakeMs = 0, awakeSince } = resource;
  if (minAwakeMs <= 0) return undefined;
  const since = awakeSince === undefined ? memory.awakeFrom.get(keyOf(resource)) : instantAt(awakeSince, now);
  if (since === undefined) return 'unknown: it is not known since when it is awake';
  if (now.monotonicMs >= since.monotonicMs + minAwakeMs) return undefined;
  return `awake since ${wallText(since.wallMs)}, and at the least until ${wallText(since.wallMs + minAwakeMs)}`;
}

// Times that are written down are compared with the wall clock; a text that is no time compares with nothing.
function instantAt(text: string, now: Instant): Instant {
  const wallMs = Date.parse(text);
  return { wallMs, monotonicMs: now.monotonicMs - (now.wallMs - wallMs) };
}

function afterPause({ pause }: Resource, nowMs: number): string | undefined {
  const mode = pauseInEffect(pause, nowMs);
  return pause === undefined || mode === undefined || mode === 'asleep' ? undefined : pauseText(pause);
}

function whileBusy({ busyUntil }: Resource, nowMs: number): string | undefined {
  if (busyUntil === undefined) return undefined;
  const untilMs = Date.parse(busyUntil);
  if (Number.isNaN(untilMs)) return `unknown: the end of its busy lease, "${busyUntil}", is not a time`;
  return nowMs < untilMs ? `busy until ${wallText(untilMs)}` : undefined;
}
