// The arithmetic of a rolling update, as the Deployment controller does it.
import type { Deployment, ReplicaSet } from '../objects.ts';

export interface Limits {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

function resolve(value: number | string | undefined, total: number, round: (n: number) => number): number {
  const given = value ?? '25%';
  if (typeof given === 'number') return given;
  return given.endsWith('%') ? round((Number(given.slice(0, -1)) / 100) * total) : Number(given);
}

export function limitsOf({ spec }: Deployment): Limits {
  const replicas = spec.replicas ?? 1;
  if (spec.strategy?.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: replicas };
  const { maxSurge: surge, maxUnavailable: unavailable } = spec.strategy?.rollingUpdate ?? {};
  const maxSurge = resolve(surge, replicas, Math.ceil);
  const maxUnavailable = resolve(unavailable, replicas, Math.floor);
  // Neither surge nor loss allowed would never move.
  const stuck = maxSurge === 0 && maxUnavailable === 0;
  return { replicas, maxSurge, maxUnavailable: stuck ? 1 : Math.min(maxUnavailable, replicas) };
}

export const wantedOf = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 1;
export const availableOf = (replicaSet: ReplicaSet): number => replicaSet.status?.availableReplicas ?? 0;
export const sum = (sets: readonly ReplicaSet[], value: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + value(set), 0);

/** How many pods the newest ReplicaSet should have now. */
export function newestReplicas(newest: ReplicaSet, all: readonly ReplicaSet[], limits: Limits): number {
  const now = wantedOf(newest);
  if (now >= limits.replicas) return limits.replicas;
  const room = limits.replicas + limits.maxSurge - sum(all, wantedOf);
  return now + Math.max(0, Math.min(room, limits.replicas - now));
}

/** How many pods each older ReplicaSet should have now, where that differs: what is broken goes first, then the oldest. */
export function olderReplicas(
  older: readonly ReplicaSet[],
  newest: ReplicaSet,
  limits: Limits,
): Map<ReplicaSet, number> {
  const minAvailable = limits.replicas - limits.maxUnavailable;
  const newestUnavailable = wantedOf(newest) - availableOf(newest);
  let spare = sum(older, wantedOf) + wantedOf(newest) - minAvailable - newestUnavailable;
  let spareAvailable = sum(older, availableOf) + availableOf(newest) - minAvailable;
  const result = new Map<ReplicaSet, number>();
  // Counted from what is wanted, as the numbers of available pods may be late.
  if (spare <= 0) return result;
  const take = (set: ReplicaSet, count: number): void => {
    if (count > 0) result.set(set, (result.get(set) ?? wantedOf(set)) - count);
  };
  for (const set of older) {
    const broken = Math.max(0, Math.min(spare, wantedOf(set) - availableOf(set)));
    take(set, broken);
    spare -= broken;
  }
  for (const set of older) {
    const count = Math.max(0, Math.min(spareAvailable, result.get(set) ?? wantedOf(set)));
    take(set, count);
    spareAvailable -= count;
  }
  return result;
}
