import { isKubeError, kinds } from '@scaler/kube';
import { type Explanation, type ResourceRef } from '@scaler/scaler-types';
import { explainPods, lastExitOf } from './explain.ts';
import type { Ground } from './ground.ts';
import { podsOf } from './stores.ts';

/** Why a resource does not start, from the stores; one read where a crash's exit code is worth it. */
export async function explainResource(
  ground: Ground,
  ref: ResourceRef,
  signal: AbortSignal,
): Promise<Explanation | undefined> {
  const { lookup, stores } = ground;
  const managed = lookup.managed(ref);
  if (managed === undefined) return undefined;
  const { uid, replicas } = managed.workload;
  const replicaSets = stores.replicaSets.byIndex('owner', uid).filter((set) => set.replicas > 0);
  const pods = podsOf(stores, uid);
  const crashing = pods.find(({ trouble, terminating }) => trouble?.reason === 'CrashLoopBackOff' && !terminating);
  const lastExit = crashing && (await readLastExit(ground, crashing, signal));
  return explainPods({ replicas, pods, replicaSets, lastExit });
}

async function readLastExit(
  { client }: Ground,
  pod: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return lastExitOf(await client.get(kinds.pod, pod, { signal }));
  } catch (error) {
    if (isKubeError(error)) return undefined;
    throw error;
  }
}
