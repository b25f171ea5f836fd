import type { KubeClient } from '../client/client.ts';
import { kinds } from '../client/kinds.ts';
import { readWorkload } from '../state/read-workload.ts';
import type { Workload, WorkloadKind } from '../state/workload.ts';
import { trimPod, trimReplicaSet } from './pod-info.ts';

/** What {@link readLivePods} found. */
export interface LivePods {
  readonly workload: Workload;
  /** Pods that are surely alive; none while the controllers have not seen the present generation. */
  readonly uids: readonly string[];
}

/**
 * The rule of `Coverage`, by live reads in the order in which the facts depend on each other: workload, then
 * ReplicaSets, then pods. For when the watches have not read far enough to tell.
 *
 * @returns undefined when the workload is gone.
 * @throws KubeError
 */
export async function readLivePods(
  client: KubeClient,
  kind: WorkloadKind,
  ref: Workload,
  signal: AbortSignal,
): Promise<LivePods | undefined> {
  const options = { signal, lane: 'wake' } as const;
  const workload = await readWorkload(client, kind, ref, options);
  if (workload === undefined) return undefined;
  if (workload.replicas === 0 || workload.observedGeneration < workload.generation) return { workload, uids: [] };
  const selection = { ...options, namespace: workload.namespace, labelSelector: selectorText(workload) };
  const sets = await client.list(kinds.replicaSet, { ...selection, trim: trimReplicaSet });
  const owners = new Set([workload.uid]);
  for (const { uid, ownerUid, replicas, generation, observedGeneration } of sets.items) {
    if (ownerUid === workload.uid && replicas > 0 && observedGeneration >= generation) owners.add(uid);
  }
  const pods = await client.list(kinds.pod, { ...selection, trim: trimPod });
  const alive = pods.items.filter(({ ownerUid, terminating }) => !terminating && owners.has(ownerUid ?? ''));
  return { workload, uids: alive.map(({ uid }) => uid) };
}

function selectorText({ selector }: Workload): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
