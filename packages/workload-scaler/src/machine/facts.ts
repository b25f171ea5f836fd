import { type Phase, pauseInEffect, type PauseMode } from '@scaler/scaler-types';
import type { Settings } from '../config/settings.ts';

/** How a resource's Services are diverted; `auto` is decided by then. */
export type RoutingMode = 'overlay' | 'selector' | 'always';

/** What is known of the workload. */
export interface WorkloadFacts {
  /** Undefined: unknown. */
  readonly phase: Phase | undefined;
  readonly epoch: string | undefined;
  /** What the phase label says, even where the token as a whole cannot be believed. */
  readonly phaseLabel: string | undefined;
  /** It carries labels or an annotation of ours, the user's own opt-in aside. */
  readonly marked: boolean;
  /** Opted in now. */
  readonly enabled: boolean;
  readonly replicas: number;
  /** It sleeps since another client wrote its zero. */
  readonly followed: boolean;
  /** What a wake brings back; at least 1. */
  readonly wanted: number;
  /** Every target has its own port of the DLX. */
  readonly portsLabelled: boolean;
  /** What a park of it could not give back, in words; undefined: nothing. */
  readonly loses?: string | undefined;
}

/**
 * Our slices of one Service, all address families taken together. `whole`: as they are wanted now. `outdated`: only the
 * addresses differ from the DLX's. `broken`: another owner, wrong ports, no address, a family is missing, or, while it is
 * parked, another count of replicas.
 */
export type SliceFacts = 'none' | 'whole' | 'outdated' | 'broken';

/** What is known of one Service: one to divert, or one that carries something of ours and must lose it. */
export interface ServiceFacts {
  readonly name: string;
  /** It belongs to the resource and can be diverted. */
  readonly ours: boolean;
  readonly slices: SliceFacts;
  readonly sliceEpoch: string | undefined;
  /** Value of our key in its selector. */
  readonly key: string | undefined;
  /** Our slices say that a key may be added to the Service as it is, so one may be on its way. */
  readonly keyMayCome: boolean;
  /** It carries the annotation that moved its version. */
  readonly touched: boolean;
  /** Its own EndpointSlices list a ready pod. */
  readonly serves: boolean;
  /** Its selector is of one revision alone, all pods that are asked for are there, and none is of that revision. */
  readonly leadsNowhere?: boolean;
  /** For how long this process has seen its routing as it is now. */
  readonly stableForMs: number;
}

/** Everything that {@link nextStep} looks at. */
export interface Facts {
  /** Undefined: deleted, or being deleted. */
  readonly workload: WorkloadFacts | undefined;
  readonly mode: RoutingMode;
  readonly followZero: boolean;
  readonly ownerIntent: OwnerIntent;
  readonly settleMs: number;
  /** Why its Services are not to be diverted, in words. */
  readonly notDivertible: string | undefined;
  /** What another client keeps taking back, so that the scaler gives way; `quietMs`: how long ago it did so last. */
  readonly contested: { readonly what: TakenBack; readonly quietMs: number } | undefined;
  readonly services: readonly ServiceFacts[];
  /** `none`: no address that listens on its ports now; `gone`: no DLX for longer than the dead-man switch, and it is its turn. */
  readonly dlx: 'ready' | 'none' | 'gone';
  /** For how long its controller has not seen what it asks for, and how often it was touched for that; undefined: it has. */
  readonly unseen: { readonly forMs: number; readonly touched: number } | undefined;
  /** At least one pod can serve. */
  readonly usable: boolean;
  /** Whether a request through the DLX gets to the pods; undefined: not tried lately. Matters before `always` diverts. */
  readonly reachable: boolean | undefined;
}

/** What another client may take back; `zero`: the replicas, right after a wake. */
export type TakenBack = 'key' | 'slices' | 'replicas' | 'zero' | 'token';

/** What its owner wants of a resource now, whatever its metrics and requests say. */
export interface OwnerIntent {
  /** Of a pause in effect. */
  readonly pause: PauseMode | undefined;
  /** A busy lease on it has not ended. */
  readonly busy: boolean;
  /** Nothing of it is to be begun. */
  readonly dryRun: boolean;
}

export const noOwnerIntent: OwnerIntent = { pause: undefined, busy: false, dryRun: false };

/** Annotations that a park must find as it read them when it writes the zero. */
export const ownerIntentAnnotations = ['scaler/pause', 'scaler/busy-until', 'scaler/dry-run'] as const;

export function ownerIntentOf({ pause, busyUntil, dryRun }: Settings, nowMs: number): OwnerIntent {
  const busy = busyUntil !== undefined && nowMs < Date.parse(busyUntil);
  return { pause: pauseInEffect(pause, nowMs), busy, dryRun };
}

/** Whether no request wakes it. */
export function isLeftAsleep({ pause }: Pick<OwnerIntent, 'pause'>): boolean {
  return pause === 'asleep' || pause === 'as-is';
}
