import type { Phase } from '@scaler/scaler-types';
import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import type { Workload, WorkloadKind } from './workload.ts';

/** One swap of the token, with what is written beside it. */
export interface Transition {
  readonly kind: WorkloadKind;
  /** As read; its labels are what is compared. */
  readonly workload: Workload;
  readonly to: Phase;
  /** New; see `newEpoch`. */
  readonly epoch: string;
  /** Who does it, and why, in words. */
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  /** Written if given. */
  readonly replicas?: number | undefined;
  /** The swap fails unless this many are asked for. */
  readonly testReplicas?: number | undefined;
  /** What a wake brings back; default: the state's, else `workload.replicas`. */
  readonly wantedReplicas?: number | undefined;
  /** Further labels to set; null removes one. */
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
}

/** `ok: false`: somebody else was first; `current` is what stands there now, undefined when it is gone. */
export type TransitionResult =
  { readonly ok: true; readonly workload: Workload } | { readonly ok: false; readonly current: Workload | undefined };

/**
 * Compares and swaps the token. One JSON patch; nothing is written unless both labels, the uid and `testReplicas` are
 * still as read. A write whose answer was lost is looked up by its epoch.
 *
 * @throws KubeError for everything but a lost race; the caller reads again and decides anew.
 */
export declare function transition(
  client: KubeClient,
  request: Transition,
  options?: CallOptions,
): Promise<TransitionResult>;
