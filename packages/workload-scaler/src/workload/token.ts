import { randomUUID } from 'node:crypto';
import type { Phase } from '@scaler/scaler-types';
import { keys } from './keys.ts';
import type { Workload } from './workload.ts';

/** Detail of the last transition, kept as the annotation `scaler/state`. */
export interface State {
  readonly epoch: string;
  readonly uid: string;
  /** ISO 8601: when the transition was made, by its writer's clock. */
  readonly since: string;
  /** Replicas before sleep; what a wake brings back. */
  readonly replicas: number;
  readonly by: string;
  readonly reason: string;
}

/** The compare-and-swap token of a workload, as read. */
export interface Token {
  /** Undefined: unknown, to be rebuilt from facts before anything else is done. */
  readonly phase: Phase | undefined;
  /** The label, whatever the phase. */
  readonly epoch: string | undefined;
  /** Present whenever `phase` is. */
  readonly state?: State;
  /** Why the phase is unknown, in words. */
  readonly why?: string;
}

const phases: readonly string[] = ['awake', 'parking', 'asleep', 'waking'] satisfies readonly Phase[];

/** A nonce for a transition: 16 hex digits, so it may be a label's value. */
export function newEpoch(): string {
  // Its first and last digits are random, and it is made from bytes that Node has in stock.
  const uuid = randomUUID();
  return uuid.slice(0, 8) + uuid.slice(-8);
}

/**
 * Reads the token. Never throws: whatever is wrong with labels or annotation makes the phase unknown, with the reason.
 * See docs/decisions/state-on-labels.md.
 */
export function readToken(workload: Pick<Workload, 'uid' | 'labels' | 'annotations'>): Token {
  const phase = workload.labels[keys.phase];
  const epoch = workload.labels[keys.epoch];
  const unknown = (why: string): Token => ({ phase: undefined, epoch, why });
  if (phase === undefined && epoch === undefined) return unknown('it has no token yet');
  if (phase === undefined || !phases.includes(phase)) {
    return unknown(`the label ${keys.phase} is ${phase === undefined ? 'missing' : `"${phase}"`}`);
  }
  if (epoch === undefined) return unknown(`the label ${keys.epoch} is missing`);
  const state = parseState(workload.annotations[keys.state]);
  if (typeof state === 'string') return unknown(`the annotation ${keys.state} ${state}`);
  if (state.uid !== workload.uid) return unknown(`its state was written for another object (uid ${state.uid})`);
  if (state.epoch !== epoch) return unknown(`its state is of epoch ${state.epoch}, its label says ${epoch}`);
  return { phase: phase as Phase, epoch, state };
}

function parseState(text: string | undefined): State | string {
  if (text === undefined) return 'is missing';
  const state = fieldsIn(text) as Partial<State> | null | undefined;
  if (state === undefined) return 'is not JSON';
  const complete =
    typeof state?.epoch === 'string' &&
    typeof state.uid === 'string' &&
    typeof state.since === 'string' &&
    !Number.isNaN(Date.parse(state.since)) &&
    Number.isSafeInteger(state.replicas) &&
    (state.replicas ?? -1) >= 0;
  if (!complete) return 'lacks epoch, uid, since or replicas';
  return { by: '', reason: '', ...state } as State;
}

const known = new WeakMap<object, boolean>();

/**
 * Whether what stands on it was written for another object: it was made from a manifest with its labels, or brought back
 * from a backup. Only what names another uid tells that; where the state is missing or not to be read, nothing does.
 */
export function isCopied(workload: Pick<Workload, 'uid' | 'annotations'>): boolean {
  const text = workload.annotations[keys.state];
  if (text === undefined) return false;
  // Asked for each port of each Service, and the text is as long as its owner likes.
  const before = known.get(workload);
  if (before !== undefined) return before;
  const uid = fieldsIn(text)?.uid;
  const copied = typeof uid === 'string' && uid !== workload.uid;
  known.set(workload, copied);
  return copied;
}

/** What stands in a state, right or wrong; undefined: it is not JSON. */
export function fieldsIn(
  text = '',
): { readonly [Field in 'uid' | 'replicas' | 'reason' | 'touched']?: unknown } | null | undefined {
  try {
    return JSON.parse(text) as ReturnType<typeof fieldsIn>;
  } catch {
    return undefined;
  }
}
