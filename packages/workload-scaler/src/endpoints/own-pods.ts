import type { Store } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';
import type { CoverageFacts } from './coverage.ts';

interface PodStores {
  readonly pods: Pick<Store<PodInfo>, 'byIndex'>;
  readonly replicaSets: Pick<Store<ReplicaSetInfo>, 'byIndex'>;
}

/** A workload's pods: its own, those of its ReplicaSets, or those that it selects. */
export function podsOf({ pods, replicaSets }: PodStores, workload: Workload): readonly PodInfo[] {
  if (workload.pods === 'selected') return selectedPods(pods, workload);
  const owners = [workload.uid, ...replicaSets.byIndex('owner', workload.uid).map(({ uid }) => uid)];
  return owners.flatMap((uid) => pods.byIndex('owner', uid));
}

/** Whether a pod is the workload's. `ownersOf`: uids of what owns a ReplicaSet. */
export function isPodOf(
  workload: Workload,
  pod: PodInfo,
  ownersOf: (replicaSetUid: string) => readonly string[],
): boolean {
  if (workload.pods === 'selected') return isSelected(workload, pod);
  const { ownerUid = '' } = pod;
  return ownerUid === workload.uid || ownersOf(ownerUid).includes(workload.uid);
}

/** Whether a pod has the labels that the workload selects. A selector that is not known selects none. */
export function isSelected({ namespace, selector }: Workload, pod: PodInfo): boolean {
  const wanted = Object.entries(selector);
  return pod.namespace === namespace && wanted.length > 0 && wanted.every(([key, value]) => pod.labels[key] === value);
}

/** From the index `label` of the pods. */
export function selectedPods(pods: PodStores['pods'], workload: Workload): readonly PodInfo[] {
  const [first] = Object.entries(workload.selector).sort();
  if (first === undefined) return [];
  return pods
    .byIndex('label', [workload.namespace, '/', first[0], '=', first[1]].join(''))
    .filter((pod) => isSelected(workload, pod));
}

const owner = 'scaler/owner';

/** Finds what belongs to a workload. */
export type PodRelations = ReturnType<typeof createPodRelations>;

/** Puts an index on both stores. */
export function createPodRelations(replicaSets: Store<ReplicaSetInfo>, pods: Store<PodInfo>) {
  const byOwner = ({ ownerUid }: { readonly ownerUid: string | undefined }): readonly string[] =>
    ownerUid === undefined ? [] : [ownerUid];
  replicaSets.addIndex(owner, byOwner);
  pods.addIndex(owner, byOwner);
  return {
    factsOf: (workload: Workload): CoverageFacts => {
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
