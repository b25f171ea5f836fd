import { type CallOptions, type KubeClient, isKubeError } from '@scaler/kube';

import { type Workload, workloadTrimmer } from './workload.ts';
import type { WorkloadKind } from './kind.ts';

/**
 * A live read.
 *
 * @returns undefined when there is none.
 * @throws KubeError for everything else.
 */
export async function readWorkload(
  client: KubeClient,
  kind: WorkloadKind,
  ref: { readonly namespace: string; readonly name: string },
  options: CallOptions,
): Promise<Workload | undefined> {
  try {
    return workloadTrimmer(kind)(await client.get(kind.kind, ref, options));
  } catch (error) {
    if (isKubeError(error, 'not-found')) return undefined;
    throw error;
  }
}
