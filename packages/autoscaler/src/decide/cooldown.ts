import type { Resource } from '@scaler/scaler-types';
import { keyOf } from '../observe/key-of.ts';
import type { Attempts } from './attempts.ts';
import { type Instant, wallText } from './instant.ts';
import type { Memory } from './memory.ts';

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
