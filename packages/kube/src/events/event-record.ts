import { createHash } from 'node:crypto';
import type { CoreEvent } from '../objects/kinds.ts';

/** The object of an Event. */
export interface EventObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export type EventType = 'Normal' | 'Warning';

/** One Event, with its count. */
export interface EventRecord {
  readonly object: EventObject;
  readonly type: EventType;
  /** `CamelCase`, for machines. */
  readonly reason: string;
  readonly message: string;
}

// The API refuses an Event with longer texts.
const longestReason = 128;
const longestMessage = 1024;
const longestName = 253;

/** Cuts texts that the API would refuse. */
export function fitting({ object, type, reason, message }: EventRecord): EventRecord {
  return { object, type, reason: reason.slice(0, longestReason), message: message.slice(0, longestMessage) };
}

/** The key of an Event; equal keys count as one Event. */
export function eventKey({ object, type, reason, message }: EventRecord): string {
  return JSON.stringify([object.kind, object.namespace, object.name, object.uid, type, reason, message]);
}

export interface EventTimes {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

export function toCoreEvent(record: EventRecord, times: EventTimes, component: string, instance: string): CoreEvent {
  const { object, type, reason, message } = record;
  const suffix = createHash('sha256')
    .update(`${eventKey(record)} ${instance} ${times.firstMs}`)
    .digest('hex')
    .slice(0, 16);
  const { namespace, uid, resourceVersion } = object;
  const optional = Object.fromEntries(
    Object.entries({ namespace, uid, resourceVersion }).filter(([, value]) => value !== undefined),
  );
  return {
    metadata: {
      // Events about objects without a namespace live in `default`, as kubectl expects.
      namespace: namespace ?? 'default',
      name: `${object.name.slice(0, longestName - suffix.length - 1)}.${suffix}`,
    },
    involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name: object.name, ...optional },
    type,
    reason,
    message,
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    firstTimestamp: timestamp(times.firstMs),
    lastTimestamp: timestamp(times.lastMs),
    count: times.count,
  };
}

/** The patch of an Event that happens again. */
export function repeatPatch({ lastMs, count }: EventTimes): object {
  return { count, lastTimestamp: timestamp(lastMs) };
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
