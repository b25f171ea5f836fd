import { doublingMs, BoundedMap } from '@scaler/async';
import { type FieldWriter, whoWrote } from './who.ts';
import type { KubeClient } from '@scaler/kube';
import { readToken } from '../workload/token.ts';
import type { Workload } from '../workload/workload.ts';
import { type Clock, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import type { Announce } from '../events/announce.ts';
import type { Managed } from '../cache/lookup.ts';
import type { WarnOwner } from '../events/owner-log.ts';
import { afterSwap, revertsOf, type Seen, seenOf, type Revert } from './reverts.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Step } from '../machine/step.ts';

/** How it stands between us and another writer of the same fields. Times are of the monotonic clock. */
export interface Conflict {
  /** How often in a row, within the window. */
  readonly times: number;
  readonly lastMs: number;
  /** How often it was given way to. */
  readonly level: number;
  /** Nothing is begun before; undefined: nothing stands in the way. */
  readonly untilMs: number | undefined;
}

const windowMs = 3_600_000;
const firstMs = 600_000;
const longestMs = 6 * 3_600_000;
/** Once may be a person. After the first back-off it is known better. */
const tolerated = 1;

/**
 * How it stands after one more revert. The second within an hour is given way to, for 10 minutes; after that each one is,
 * for twice as long, up to 6 hours. An hour without any makes it forgotten. Pure.
 */
export function afterRevert(before: Conflict | undefined, nowMs: number): Conflict {
  const { times, level, untilMs } = remembered(before, nowMs) ?? { times: 0, level: 0, untilMs: undefined };
  // What was under way when it was given way to is taken back too.
  if (untilMs !== undefined && nowMs < untilMs) return { times: times + 1, level, untilMs, lastMs: nowMs };
  if (level === 0 && times < tolerated) return { times: times + 1, level, untilMs: undefined, lastMs: nowMs };
  const backOffMs = doublingMs(level + 1, firstMs, longestMs);
  return { times: times + 1, level: level + 1, untilMs: nowMs + backOffMs, lastMs: nowMs };
}

/** The conflict, unless it was over long ago. */
export function remembered(conflict: Conflict | undefined, nowMs: number): Conflict | undefined {
  if (conflict === undefined) return undefined;
  const endedMs = Math.max(conflict.lastMs, conflict.untilMs ?? 0);
  return nowMs < endedMs + windowMs ? conflict : undefined;
}

/** For how long nothing is to be begun, in milliseconds; 0: it may. */
export function backOffLeft(conflict: Conflict | undefined, nowMs: number): number {
  return Math.max(0, (conflict?.untilMs ?? nowMs) - nowMs);
}

/** A resource that is not begun with for a while. */
export interface StandingConflict {
  /** Who does what, and until when, in words. */
  readonly text: string;
  /** What is taken back; for anything but `zero` its Services are not diverted meanwhile. */
  readonly what: Revert['what'];
  readonly leftMs: number;
  /** Since something was last taken back. */
  readonly quietMs: number;
}

export interface ConflictsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly warnOwner: WarnOwner;
  readonly announce: Announce;
}

interface Known {
  readonly seen: Seen | undefined;
  readonly seenMs: number;
  readonly conflict: Conflict | undefined;
  readonly what: Revert['what'];
  readonly text: string;
  readonly who: string;
}

/**
 * Notices that another client keeps taking back what the scaler writes, and gives way: a GitOps tool, another autoscaler.
 * For the Lease holder; a wake does not look at it.
 */
export function createConflicts(options: ConflictsOptions) {
  const { clock, warnOwner, announce } = options;
  const known = new BoundedMap<Known>({ mostBytes });
  const none: Known = { seen: undefined, seenMs: 0, conflict: undefined, what: 'key', text: '', who: '' };
  const reverts = new Map<Revert['what'], number>();

  const count = (key: string, managed: Managed, revert: Revert, writer: FieldWriter | undefined): void => {
    const who = named(writer);
    reverts.set(revert.what, (reverts.get(revert.what) ?? 0) + 1);
    const before = known.get(key) ?? none;
    const conflict = afterRevert(before.conflict, clock.monotonic());
    const leftMs = backOffLeft(conflict, clock.monotonic());
    const begins = leftMs > 0 && conflict.level > (before.conflict?.level ?? 0);
    const text = begins ? textOf(revert, who, conflict.times, clock.now() + leftMs) : before.text;
    const now = begins ? { what: revert.what, who: writer?.sure ? writer.manager : 'unknown' } : {};
    keep(known, managed.workload, { ...before, conflict, text, ...now });
    const fields = { resource: key, ...revert, who, times: conflict.times, leftMs };
    warnOwner(managed.workload.namespace, 'What was written has been taken back', fields);
    if (begins) announce(managed, 'Contested', text);
  };

  return {
    /** Compares a live read with the last one. */
    look: async (snapshot: Snapshot, signal: AbortSignal): Promise<void> => {
      const key = resourceKey(snapshot.ref);
      const { managed } = snapshot;
      if (managed === undefined) {
        known.delete(key);
        return;
      }
      const before = known.get(key) ?? none;
      const reverts = revertsOf(snapshot, before.seen, clock.now());
      const { epoch } = readToken(managed.workload);
      const reported = reverts.some(({ what }) => what === 'replicas' || what === 'zero')
        ? epoch
        : before.seen?.reported;
      const conflict = remembered(before.conflict, clock.monotonic());
      const seen = { ...seenOf(snapshot, before.seen), reported };
      keep(known, snapshot.ref, { ...before, conflict, seen, seenMs: clock.now() });
      // One round of the other writer may take back several things.
      const [revert] = reverts;
      if (revert === undefined) return;
      const writer = await whoWrote(options.client, managed, revert, before.seenMs, signal);
      if (revert.doubtful === true && writer?.sure !== true) return;
      count(key, managed, revert, writer);
    },
    /** We are about to take something away ourselves. */
    about: (snapshot: Snapshot, step: Step): void =>
      change(known, snapshot, step, ['remove-key', 'delete-slices', 'forget']),
    /** We have written something. */
    done: (snapshot: Snapshot, step: Step): void => change(known, snapshot, step, ['add-key', 'write-slices']),
    /** We have swapped its token, as it was read, for one with this epoch. */
    swapped: (workload: Workload, epoch: string): void => swap(known, workload, epoch),
    /** Undefined: the resource is in no conflict now. */
    of: (ref: ResourceRef): StandingConflict | undefined => {
      const one = known.get(resourceKey(ref));
      const leftMs = backOffLeft(one?.conflict, clock.monotonic());
      if (one?.conflict === undefined || leftMs === 0) return undefined;
      return { text: one.text, what: one.what, leftMs, quietMs: clock.monotonic() - one.conflict.lastMs };
    },
    /** For each resource in a conflict, the field manager of the other client, or `unknown`. */
    writers: (): readonly string[] =>
      [...known.values()].filter(({ conflict }) => backOffLeft(conflict, clock.monotonic()) > 0).map(({ who }) => who),
    /** How often something was taken back since the process started, by what it was. */
    reverts,
  };
}

export type Conflicts = ReturnType<typeof createConflicts>;

/** Of names that come and go something would be left of each. What is forgotten is seen anew. */
const mostBytes = 32 * 1024 * 1024;

function keep(known: BoundedMap<Known>, ref: ResourceRef, one: Known): void {
  const uids = (one.seen?.keys.size ?? 0) + (one.seen?.slices.size ?? 0);
  known.set(resourceKey(ref), one, ref.namespace, 500 + 2 * one.text.length + 60 * uids);
}

function change(known: BoundedMap<Known>, { ref, services }: Snapshot, step: Step, which: readonly Step['do'][]): void {
  const one = known.get(resourceKey(ref));
  if (one?.seen === undefined || !which.includes(step.do)) return;
  if (!('service' in step)) {
    keep(known, ref, { ...one, seen: undefined });
    return;
  }
  const uid = services.find(({ name }) => name === step.service)?.service?.uid ?? '';
  const field = step.do.endsWith('key') ? 'keys' : 'slices';
  const uids = new Set(one.seen[field]);
  if (step.do === 'add-key' || step.do === 'write-slices') uids.add(uid);
  else uids.delete(uid);
  keep(known, ref, { ...one, seen: { ...one.seen, [field]: uids } });
}

function swap(known: BoundedMap<Known>, workload: Workload, to: string): void {
  const key = resourceKey(workload);
  const one = known.get(key);
  if (one?.seen === undefined) return;
  const { epoch: from } = readToken(workload);
  keep(known, workload, { ...one, seen: afterSwap(one.seen, workload.uid, { from, to }) });
}

function named(writer: FieldWriter | undefined): string {
  if (writer === undefined) return 'another client';
  return writer.sure ? writer.manager : `another client, perhaps ${writer.manager},`;
}

const did: Readonly<Record<Revert['what'], (object: string) => string>> = {
  key: (object) =>
    `takes scaler/asleep out of spec.selector of ${object}; scaler/routing: overlay would leave the Service alone`,
  slices: (object) => `deletes the EndpointSlices that lead ${object} to the DLX`,
  replicas: (object) => `writes spec.replicas of ${object} once it is asleep`,
  zero: (object) => `sets spec.replicas of ${object} to 0 as soon as it is awake`,
  token: (object) => `removes the labels scaler/phase and scaler/epoch of ${object}`,
};

function textOf({ what, object }: Revert, who: string, times: number, untilMs: number): string {
  const until = new Date(untilMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `not parked until ${until}: ${who} ${did[what](object)} (${times} times)`;
}
