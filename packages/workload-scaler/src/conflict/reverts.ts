import { isOurs } from '../routing/slices.ts';
import { keys } from '../workload/keys.ts';
import { readToken } from '../workload/token.ts';
import { isEnabled } from '../cache/lookup.ts';
import { routingMode } from '../machine/divertible.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { TakenBack } from '../machine/facts.ts';
import { isZeroOfOthers, served } from '../machine/table.ts';

/** What of ours a live read has found on a resource. */
export interface Seen {
  /** Its workload's token could be believed. */
  readonly token: string | undefined;
  /** The token's, ours since included: what was seen under another one may have been taken away rightly. */
  readonly epoch: string | undefined;
  /** Epoch whose replicas were found changed; each is reported once. */
  readonly reported: string | undefined;
  /** Uids of Services with our key, and with slices of ours. */
  readonly keys: ReadonlySet<string>;
  readonly slices: ReadonlySet<string>;
}

/** A zero that comes later than this after a wake is a decision of its own, not a reaction to the wake. */
const soonMs = 60_000;

/** What is there now. */
export function seenOf({ managed, services }: Snapshot, before: Seen | undefined): Seen {
  const uids = (has: (service: Snapshot['services'][number]) => boolean): ReadonlySet<string> =>
    new Set(services.flatMap((one) => (one.service !== undefined && has(one) ? [one.service.uid] : [])));
  const token = managed && readToken(managed.workload);
  return {
    token: token?.phase === undefined ? undefined : managed?.workload.uid,
    epoch: token?.epoch,
    reported: before?.reported,
    keys: uids(({ service }) => service?.selector?.[keys.asleep] !== undefined),
    slices: uids(({ slices }) => slices.some(isOurs)),
  };
}

/** We have swapped the token. */
export function afterSwap(seen: Seen, uid: string, { from, to }: { from: string | undefined; to: string }): Seen {
  return { ...seen, token: uid, epoch: seen.epoch === from ? to : seen.epoch };
}

/** What was there before, is not now, and was not taken away by us; and replicas that others wrote over ours. Pure. */
export function revertsOf(snapshot: Snapshot, before: Seen | undefined, nowMs: number): readonly Revert[] {
  const now = seenOf(snapshot, before);
  const diverted = staysDiverted(snapshot);
  const waking = snapshot.managed !== undefined && readToken(snapshot.managed.workload).phase === 'waking';
  const lost = snapshot.services.flatMap(({ name, service, ours }): Revert[] => {
    if (before === undefined || service === undefined || !ours || !(diverted || waking)) return [];
    const { uid } = service;
    const object = `Service ${name}`;
    // A request may have woken it between the other writer's hand and our eyes.
    if (waking) return before.keys.has(uid) && !now.keys.has(uid) ? [{ what: 'key', object, doubtful: true }] : [];
    if (before.epoch !== now.epoch) return [];
    return [
      ...(before.keys.has(uid) && !now.keys.has(uid) ? [{ what: 'key', object } as const] : []),
      ...(before.slices.has(uid) && !now.slices.has(uid) ? [{ what: 'slices', object } as const] : []),
    ];
  });
  return [...lost, ...workloadReverts(snapshot, before, nowMs)];
}

// Else another leader may have handed it back meanwhile, as we would.
function staysDiverted({ managed, services }: Snapshot): boolean {
  if (managed === undefined) return false;
  const { phase } = readToken(managed.workload);
  if (phase === 'parking' || phase === 'asleep') return true;
  const leading = services.flatMap(({ service, leads }) => (service !== undefined && leads ? [service] : []));
  return phase === 'awake' && routingMode(managed.settings, leading, managed.workload) === 'always';
}

function workloadReverts({ managed }: Snapshot, before: Seen | undefined, nowMs: number): readonly Revert[] {
  if (managed === undefined || !isEnabled(managed.workload)) return [];
  const { workload } = managed;
  const object = `${workload.kind} ${workload.name}`;
  const { phase, epoch, state } = readToken(workload);
  if (phase === undefined || state === undefined) {
    // A rollout undo brings old annotations back, which is no quarrel about labels.
    const stripped = workload.labels[keys.phase] === undefined || epoch === undefined;
    return before?.token === workload.uid && stripped ? [{ what: 'token', object }] : [];
  }
  if (before?.reported === epoch) return [];
  const { replicas } = workload;
  if (phase === 'asleep' && replicas > 0 && !isZeroOfOthers(state.reason)) return [{ what: 'replicas', object }];
  const justServed = state.reason === served && nowMs - Date.parse(state.since) < soonMs;
  if (replicas === 0 && (phase === 'waking' || (phase === 'awake' && justServed))) return [{ what: 'zero', object }];
  return [];
}

/** Everything that another client may take back. */
export const reverted = ['key', 'slices', 'replicas', 'zero', 'token'] as const satisfies readonly TakenBack[];

/** What another client took back of a resource. */
export interface Revert {
  /** `zero`: the replicas, right after a wake; nothing speaks against diverting it then. */
  readonly what: TakenBack;
  /** Of which object: `Service web`. */
  readonly object: string;
  /** An earlier leader of ours may have done it: it counts only where another client is known to have written. */
  readonly doubtful?: true;
}
