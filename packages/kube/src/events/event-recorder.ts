import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import { kinds } from '../objects/kinds.ts';
import { isKubeError } from '../errors.ts';
import { BoundedMap, FairQueue, whenAborted } from '@scaler/async';
import {
  eventKey,
  type EventObject,
  type EventRecord,
  type EventTimes,
  type EventType,
  fitting,
  repeatPatch,
  toCoreEvent,
} from './event-record.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Shown by `kubectl describe` as the source. */
  readonly component: string;
  /** The name of this process among several; default: the component. */
  readonly instance?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Events that may wait to be written; a namespace may have as many as are still free. More are dropped and counted. Default 1000. */
  readonly queueLimit?: number | undefined;
  /** For how long an equal Event is counted rather than written anew; default 10 minutes. */
  readonly windowMs?: number | undefined;
}

interface Entry {
  readonly namespace: string;
  readonly record: EventRecord;
  times: EventTimes;
  /** Where it was written. */
  written: { readonly namespace: string; readonly name: string } | undefined;
  queued: boolean;
}

// A bound in bytes, since tenants choose the length of a text.
const rememberedBytes = 4 * 1024 * 1024;
/** Bytes of an Event beside its texts. */
const recordBytes = 400;
/** Time between two log lines about lost Events of one namespace. */
const lossEveryMs = 60_000;
const mostNamespaces = 256;

/**
 * Writes Events that people see with `kubectl describe`: in the background, one at a time, in the `bulk` lane. Never throws,
 * and its callers never wait.
 */
export class EventRecorder {
  /**
   * Events that were lost, because the queue was full or the API refused them, by namespace; those of namespaces beyond a few
   * hundred have the empty name.
   */
  readonly droppedOf = new Map<string, number>();
  readonly #loggedLossMs = new Map<string, number>();
  readonly #entries = new BoundedMap<Entry>({ mostBytes: rememberedBytes });
  readonly #queue = new FairQueue<Entry>();
  #draining: Promise<void> | undefined;
  readonly #options: EventRecorderOptions;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** The same object, type, reason and message within the window raises the count of one Event. */
  event(object: EventObject, type: EventType, reason: string, message: string): void {
    const { clock, windowMs = 600_000, queueLimit = 1_000 } = this.#options;
    const namespace = object.namespace ?? (object.kind === 'Namespace' ? object.name : '');
    const record = fitting({ object, type, reason, message });
    const key = eventKey(record);
    const nowMs = clock.now();
    const known = this.#entries.get(key);
    const again = known !== undefined && Math.abs(nowMs - known.times.firstMs) < windowMs;
    const entry = again
      ? known
      : { namespace, record, times: { firstMs: nowMs, lastMs: nowMs, count: 0 }, written: undefined, queued: false };
    if (!entry.queued && !this.#queue.hasRoom(namespace, queueLimit)) {
      this.#drop({ namespace, record }, 'too many wait');
      return;
    }
    entry.times = { ...entry.times, lastMs: nowMs, count: entry.times.count + 1 };
    this.#entries.set(key, entry, namespace, 2 * key.length + recordBytes);
    entry.queued = true;
    this.#queue.add(namespace, entry);
    this.#draining ??= this.#drain();
  }

  /** Resolves when all Events so far were tried, or `signal` aborts. */
  async flush(signal?: AbortSignal): Promise<void> {
    while (this.#draining !== undefined && !signal?.aborted) {
      await Promise.race([this.#draining, ...(signal ? [whenAborted(signal)] : [])]);
    }
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.take(() => true); next !== undefined; next = this.#queue.take(() => true)) {
      const entry = next.item;
      entry.queued = false;
      try {
        await this.#write(entry);
      } catch (err) {
        this.#drop(entry, 'it cannot be written', err);
      }
    }
    // In the same step as the last look at the queue: a later Event starts it anew.
    this.#draining = undefined;
  }

  async #write(entry: Entry): Promise<void> {
    const { client, component, instance = component } = this.#options;
    if (entry.written !== undefined) {
      try {
        await client.patch(kinds.event, entry.written, repeatPatch(entry.times), { lane: 'bulk' });
        return;
      } catch (error) {
        // The API forgets Events after an hour.
        if (!isKubeError(error, 'not-found')) throw error;
      }
    }
    const event = toCoreEvent(entry.record, entry.times, component, instance);
    const { namespace = '', name = '' } = event.metadata;
    try {
      await client.create(kinds.event, event, { lane: 'bulk' });
    } catch (error) {
      // The name is made for this very Event: one that exists is ours, from an answer that was lost.
      if (!isKubeError(error, 'already-exists')) throw error;
    }
    entry.written = { namespace, name };
  }

  #drop({ namespace, record }: Pick<Entry, 'namespace' | 'record'>, why: string, err?: unknown): void {
    const { clock, logger } = this.#options;
    const known = this.droppedOf.has(namespace) || this.droppedOf.size < mostNamespaces;
    const counted = known ? namespace : '';
    const lost = (this.droppedOf.get(counted) ?? 0) + 1;
    this.droppedOf.set(counted, lost);
    const nowMs = clock.monotonic();
    if (nowMs - (this.#loggedLossMs.get(counted) ?? -Infinity) < lossEveryMs) return;
    this.#loggedLossMs.set(counted, nowMs);
    const { object, reason, message } = record;
    logger.warn('Event lost', { why, namespace, name: object.name, reason, message, lost, err });
  }
}
