import type { Workload } from '../workload/workload.ts';
import type { Store } from '@scaler/kube';
import type { CoverageFacts } from './coverage.ts';
import { selectedPods } from './own-pods.ts';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';

const owner = 'scaler/owner';

/** Finds what belongs to a workload. */
export interface PodRelations {
  factsOf(workload: Workload): CoverageFacts;
}

/** Puts an index on both stores. */
export function createPodRelations(replicaSets: Store<ReplicaSetInfo>, pods: Store<PodInfo>): PodRelations {
  const byOwner = ({ ownerUid }: { readonly ownerUid: string | undefined }): readonly string[] =>
    ownerUid === undefined ? [] : [ownerUid];
  replicaSets.addIndex(owner, byOwner);
  pods.addIndex(owner, byOwner);
  return {
    factsOf: (workload) => {
      const at = { replicaSetsAt: replicaSets.lastResourceVersion, podsAt: pods.lastResourceVersion };
      if (workload.pods === 'selected') return { workload, replicaSets: [], pods: selectedPods(pods, workload), ...at };
      const sets = replicaSets.byIndex(owner, workload.uid);
      return {
        workload,
        replicaSets: sets,
        pods: [workload, ...sets].flatMap(({ uid }) => pods.byIndex(owner, uid)),
        ...at,
      };
    },
  };
}
