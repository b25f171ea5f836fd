import { matches } from '../workload/labels.ts';
import type { Store } from '@scaler/kube';
import type { Workload } from '../workload/workload.ts';
import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';

interface PodStores {
  readonly pods: Pick<Store<PodInfo>, 'byIndex'>;
  readonly replicaSets: Pick<Store<ReplicaSetInfo>, 'byIndex'>;
}

/** A workload's pods: its own, those of its ReplicaSets, or those that it selects. */
export function podsOf({ pods, replicaSets }: PodStores, workload: Workload): readonly PodInfo[] {
  if (workload.pods === 'selected') return selectedPods(pods, workload);
  return [workload, ...replicaSets.byIndex('owner', workload.uid)].flatMap(({ uid }) => pods.byIndex('owner', uid));
}

/** The ReplicaSets by which it owns pods. */
export function setsOf({ replicaSets }: Pick<PodStores, 'replicaSets'>, workload: Workload): readonly ReplicaSetInfo[] {
  return workload.pods === 'selected' ? [] : replicaSets.byIndex('owner', workload.uid);
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

/** Whether a pod has the labels that the workload selects. */
export function isSelected({ namespace, selector }: Workload, pod: PodInfo): boolean {
  return pod.namespace === namespace && matches(selector, pod.labels);
}

/** From the index `label` of the pods. */
function selectedPods(pods: PodStores['pods'], workload: Workload): readonly PodInfo[] {
  const [first] = Object.entries(workload.selector).sort();
  if (first === undefined) return [];
  return pods
    .byIndex('label', [workload.namespace, '/', first[0], '=', first[1]].join(''))
    .filter((pod) => isSelected(workload, pod));
}
