import type { Workload } from '../workload/workload.ts';
import { compareResourceVersions } from '@scaler/kube';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';

/** What the stores say about one workload, and how far each has read. */
export interface CoverageFacts {
  readonly workload: Workload;
  readonly replicaSets: readonly ReplicaSetInfo[];
  /** Those owned by the workload or one of its ReplicaSets. */
  readonly pods: readonly PodInfo[];
  /** Position of the ReplicaSets' watch. */
  readonly replicaSetsAt: string | undefined;
  /** Position of the pods' watch. */
  readonly podsAt: string | undefined;
}

/**
 * Which pods of one workload may be believed to be alive.
 *
 * When a workload goes to zero and is woken at once, its old pods look alive until their deletion has travelled:
 * workload → controller → ReplicaSet → controller → pod → our watch. A pod is cleared once that chain is known to
 * have been run through after the last zero: the workload's controller has seen the present generation (at
 * resourceVersion D), the ReplicaSet, read at D or later, is not at zero and its controller has seen that (at R), and
 * the pod, read at R or later, is not being deleted. Each controller writes its status after the deeds that it
 * reports, and resourceVersions of all kinds count the same revisions, so "at or later" can be seen. A pod stays
 * cleared until the workload may have been at zero again: it is, or its generation moved by more than the one change
 * that was seen.
 *
 * Of pods that are found by a selector only the workload's end of the chain is known: its controller has seen the present
 * generation. What lies between may lag behind it, so a dying pod may be believed for a moment; it refuses connections.
 */
export function createCoverage() {
  const cleared = new Set<string>();
  // ReplicaSet uid → the resourceVersion R.
  const sets = new Map<string, string>();
  let round = 0;
  let seen: Workload | undefined;
  // The resourceVersion D.
  let coveredAt: string | undefined;

  function look(workload: Workload): void {
    if (!mayHaveBeenZero(seen, workload)) {
      seen = workload;
      return;
    }
    seen = workload;
    round += 1;
    coveredAt = undefined;
    cleared.clear();
    sets.clear();
  }

  function coverSets({ replicaSets, replicaSetsAt }: CoverageFacts, d: string): void {
    for (const set of replicaSets) {
      const covered = set.replicas > 0 && set.observedGeneration >= set.generation;
      if (covered && !sets.has(set.uid) && (reaches(set.resourceVersion, d) || reaches(replicaSetsAt, d))) {
        sets.set(set.uid, set.resourceVersion);
      }
    }
  }

  return {
    /** Goes up with every forgetting; what was read live before it must not be used after it. */
    get round(): number {
      return round;
    },
    take: (facts: CoverageFacts): void => {
      const { workload, pods, podsAt } = facts;
      look(workload);
      if (workload.replicas === 0) return;
      if (workload.observedGeneration >= workload.generation) coveredAt ??= workload.resourceVersion;
      if (coveredAt === undefined) return;
      coverSets(facts, coveredAt);
      for (const pod of pods) {
        const direct = workload.pods === 'selected' || pod.ownerUid === workload.uid;
        const needed = direct ? coveredAt : sets.get(pod.ownerUid ?? '');
        if (needed === undefined || pod.terminating) continue;
        if (reaches(pod.resourceVersion, needed) || reaches(podsAt, needed)) cleared.add(pod.uid);
      }
    },
    has: (podUid: string): boolean => cleared.has(podUid),
    /** Clears pods that were read live to be alive. */
    clear: (podUids: Iterable<string>): void => {
      for (const uid of podUids) cleared.add(uid);
    },
    forget: (podUid: string): void => void cleared.delete(podUid),
  };
}

export type Coverage = ReturnType<typeof createCoverage>;

function mayHaveBeenZero(before: Workload | undefined, now: Workload): boolean {
  return before?.uid !== now.uid || now.replicas === 0 || now.generation - before.generation > 1;
}

function reaches(position: string | undefined, needed: string): boolean {
  const order = position === undefined ? undefined : compareResourceVersions(position, needed);
  return order !== undefined && order >= 0;
}
