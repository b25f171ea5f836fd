import { pauseInEffect, pauseText, type Resource } from '@scaler/scaler-types';
import { keyOf } from '../observe/key-of.ts';
import type { Attempts } from './attempts.ts';
import { type Instant, wallText } from './instant.ts';
import type { Memory } from './memory.ts';

/** The owner's intent at this moment, which holds whatever the samples are: each reason to keep it awake, as a clause. */
export function standingIntent(resource: Resource, { wallMs }: Instant): readonly string[] {
  return [afterPause(resource, wallMs), whileBusy(resource, wallMs)].filter((reason) => reason !== undefined);
}

/** Whether a pause puts it to sleep now, whatever the samples are. */
export function isPausedAsleep({ pause }: Resource, { wallMs }: Instant): boolean {
  return pauseInEffect(pause, wallMs) === 'asleep';
}

/** The reason why its minimum time awake is not over; undefined: it is. */
export function minimumAwake(
  resource: Resource,
  { now, memory }: Pick<CooldownFacts, 'now' | 'memory'>,
): string | undefined {
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

export interface CooldownFacts {
  now: Instant;
  memory: Memory;
  /** By resource key. */
  attempts: ReadonlyMap<string, Attempts>;
  /** Milliseconds, for resources that name none. */
  cooldownMs: number;
}

/**
 * The cooldowns that keep the resource awake, each as a clause: after its last scale event, after a wake that was seen here,
 * after attempts that did not end in sleep. Empty: there is none.
 */
export function cooldowns(resource: Resource, facts: CooldownFacts): readonly string[] {
  const key = keyOf(resource);
  return [afterEvent(resource, facts), afterWake(resource, key, facts), afterAttempts(key, facts)].filter(
    (reason) => reason !== undefined,
  );
}

function afterEvent(
  { lastScaleEvent, lastScaleEventTime, cooldownMs }: Resource,
  facts: CooldownFacts,
): string | undefined {
  if (lastScaleEventTime === undefined) return undefined;
  const atMs = Date.parse(lastScaleEventTime);
  if (Number.isNaN(atMs)) return `unknown: the time of its last scale event, "${lastScaleEventTime}", is not a time`;
  const untilMs = atMs + (cooldownMs ?? facts.cooldownMs);
  if (facts.now.wallMs >= untilMs) return undefined;
  return `cooldown until ${wallText(untilMs)} after ${lastScaleEvent ?? 'a scale event'} at ${wallText(atMs)}`;
}

function afterWake(resource: Resource, key: string, facts: CooldownFacts): string | undefined {
  const woke = facts.memory.wokeAt.get(key);
  const lengthMs = resource.cooldownMs ?? facts.cooldownMs;
  if (!woke || facts.now.monotonicMs >= woke.monotonicMs + lengthMs) return undefined;
  return `cooldown until ${wallText(woke.wallMs + lengthMs)} after it became awake at ${wallText(woke.wallMs)}`;
}

function afterAttempts(key: string, facts: CooldownFacts): string | undefined {
  const attempts = facts.attempts.get(key);
  if (!attempts || facts.now.monotonicMs >= attempts.notBefore.monotonicMs) return undefined;
  const times = attempts.count === 1 ? '' : `${attempts.count} times in a row, `;
  return `not tried again until ${wallText(attempts.notBefore.wallMs)}: ${times}${attempts.reason}`;
}
