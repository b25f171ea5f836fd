import {
  type Clock,
  formatDuration,
  type Logger,
  type Resource,
  type ResourceRef,
  resourceKey,
} from '@scaler/scaler-types';
import type { Observer } from '../observe/metrics.ts';
import { afterAttempt, type Attempts, type BackOff } from '../decide/attempts.ts';
import { instantOf } from '../decide/instant.ts';
import type { Ring } from '../observe/history.ts';
import type { ParkResult } from './park.ts';

export interface AttemptBookParts {
  get: (ref: ResourceRef) => Resource | undefined;
  ring: Ring;
  observer: Observer;
  clock: Clock;
  logger: Logger;
  /** Milliseconds. */
  settings: { intervalMs: number; cooldownMs: number };
}

/** Records how parks ended, in the history, the log and the metrics, and keeps those that did not end in sleep. */
export function createAttemptBook({ get, ring, observer, settings, clock, logger }: AttemptBookParts) {
  const attempts = new Map<string, Attempts>();
  const began = new Map<string, number>();
  /** When parks ended in sleep, until the length of the sleep is known. */
  const slept = new Map<string, number>();

  const remember = (key: string, resource: Resource | undefined, result: ParkResult): void => {
    const backOff = backOffOf(result, resource, settings);
    attempts.set(key, afterAttempt(attempts.get(key), result.reason, instantOf(clock), backOff));
  };
  const lookAt = (key: string, resource: Resource, beganMs: number): void => {
    const atMs = slept.get(key);
    if (atMs === undefined || beganMs <= atMs) return;
    const cooldownMs = resource.cooldownMs ?? settings.cooldownMs;
    const isLong = clock.monotonic() - atMs >= cooldownMs;
    const isOver = resource.phase === 'awake' || resource.phase === 'waking';
    if (isLong) attempts.delete(key);
    else if (isOver) remember(key, resource, tooShort(cooldownMs));
    if (isLong || isOver) slept.delete(key);
  };
  return {
    begin(resource: ResourceRef, reasons: readonly string[]): void {
      began.set(resourceKey(resource), clock.monotonic());
      ring.add(resource, { what: 'park', reasons }, clock.now());
      logger.info('parking', { namespace: resource.namespace, resource: resource.name, reasons });
    },
    /** Records the end of a park. `undefined`: it was aborted, which says nothing about the resource. */
    end(resource: ResourceRef, result: ParkResult | undefined): void {
      const key = resourceKey(resource);
      const tookMs = Math.round(clock.monotonic() - (began.get(key) ?? clock.monotonic()));
      began.delete(key);
      const what = result?.end ?? 'aborted';
      const reason = result?.reason ?? 'aborted: this replica stopped acting';
      observer.parkEnded(what, tookMs);
      ring.add(resource, { what, reasons: [reason] }, clock.now());
      const fields = { namespace: resource.namespace, resource: resource.name, end: what, why: reason, tookMs };
      logger[what === 'failed' ? 'warn' : 'info']('park ended', fields);
      if (what === 'parked') slept.set(key, clock.monotonic());
      else if (result) remember(key, get(resource), result);
    },
    /** By resource key. */
    all: (): ReadonlyMap<string, Attempts> => new Map(attempts),
    /**
     * Takes the resources of a tick that began at `beganMs`. A sleep that was over within a cooldown counts as a cancelled
     * park: where the DLX does not get every connection, a source with wrong values would else park a busy resource again and
     * again. Resources that are gone are forgotten.
     */
    look(resources: readonly Resource[], beganMs: number): void {
      if (attempts.size + slept.size === 0) return;
      const seen = new Map(resources.map((resource) => [resourceKey(resource), resource]));
      for (const kept of [attempts, slept]) for (const key of kept.keys()) if (!seen.has(key)) kept.delete(key);
      for (const [key, resource] of seen) lookAt(key, resource, beganMs);
    },
  };
}

function tooShort(cooldownMs: number): ParkResult {
  const reason = `it was woken less than ${formatDuration(cooldownMs)} after it fell asleep`;
  return { end: 'cancelled', reason, terminal: false };
}

/** A refused park has changed nothing and is tried again soon; a cancelled one waits for its cooldown at least. */
function backOffOf(
  { end, terminal }: ParkResult,
  resource: Resource | undefined,
  { intervalMs, cooldownMs }: AttemptBookParts['settings'],
): BackOff {
  const longestMs = 3_600_000;
  if (terminal) return { firstMs: longestMs, longestMs };
  if (end === 'refused') return { firstMs: intervalMs, longestMs: 300_000 };
  return { firstMs: Math.max(intervalMs, resource?.cooldownMs ?? cooldownMs), longestMs };
}
