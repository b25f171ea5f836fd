import type { KubeClient, Store } from '@scaler/kube';
import { readWorkload } from '../workload/read-workload.ts';
import type { Workload } from '../workload/workload.ts';
import type { WorkloadKind } from '../workload/kind.ts';

import type { PodInfo, ReplicaSetInfo } from './pod-info.ts';

/** Where the facts are read. */
export interface LivePodsSources {
  readonly client: KubeClient;
  readonly replicaSets: Store<ReplicaSetInfo>;
  readonly pods: Store<PodInfo>;
}

/** What {@link readLivePods} found. */
export interface LivePods {
  readonly workload: Workload;
  /** Pods that are surely alive; none while the controllers have not seen the present generation. */
  readonly uids: readonly string[];
}

/**
 * The rule of `Coverage`, by live reads in the order in which the facts depend on each other: workload, then
 * ReplicaSets, then pods. For when the watches have not read far enough to tell; their stores have it from then on, too.
 *
 * @returns undefined when the workload is gone.
 * @throws KubeError
 */
export async function readLivePods(
  { client, replicaSets, pods }: LivePodsSources,
  kind: WorkloadKind,
  ref: Workload,
  signal: AbortSignal,
): Promise<LivePods | undefined> {
  const options = { signal, lane: 'wake' } as const;
  const workload = await readWorkload(client, kind, ref, options);
  if (workload === undefined) return undefined;
  if (workload.replicas === 0 || workload.observedGeneration < workload.generation) return { workload, uids: [] };
  const selector = selectorText(workload);
  if (selector === '') return { workload, uids: [] };
  const owners = new Set([workload.uid]);
  const isSelected = workload.pods === 'selected';
  for (const set of isSelected ? [] : await replicaSets.readLive(workload.namespace, selector, options)) {
    const { uid, ownerUid, replicas, generation, observedGeneration } = set;
    if (ownerUid === workload.uid && replicas > 0 && observedGeneration >= generation) owners.add(uid);
  }
  const found = await pods.readLive(workload.namespace, selector, options);
  const alive = found.filter((pod) => !pod.terminating && (isSelected || owners.has(pod.ownerUid ?? '')));
  return { workload, uids: alive.map(({ uid }) => uid) };
}

function selectorText({ selector }: Workload): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
