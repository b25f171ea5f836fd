import { type CallOptions, type KubeClient, isKubeError } from '@scaler/kube';

import { keys } from './keys.ts';
import { readWorkload } from './read-workload.ts';
import type { Workload } from './workload.ts';
import type { WorkloadKind } from './kind.ts';

// Each conflict means that another client, mostly the workload's own controller, wrote its status in between.
const maxAttempts = 8;

/** `ok: false`: another client was first; `current` is what stands there now, undefined when it is gone. */
export type SwapResult =
  { readonly ok: true; readonly workload: Workload } | { readonly ok: false; readonly current: Workload | undefined };

/** Which replicas are to follow a swap of the token. */
export interface ScaleWrite {
  readonly kind: WorkloadKind;
  /** As the swap left it. */
  readonly workload: Workload;
  /** The swap's own. */
  readonly epoch: string;
  readonly replicas: number;
  /** What the swap tested, where it did. */
  readonly testReplicas?: number | undefined;
}

/**
 * The second write of a transition where only `/scale` can be written: PUT, with the resourceVersion at which the
 * token was seen to be ours, so that it cannot overtake another's transition. A crash before it leaves a phase that
 * its replicas contradict; the repair table knows that row.
 */
export async function writeScale(client: KubeClient, request: ScaleWrite, options: CallOptions): Promise<SwapResult> {
  const { kind, replicas, epoch, testReplicas } = request;
  let workload: Workload = request.workload;
  for (let attempt = 1; workload.replicas !== replicas; attempt++) {
    const { resourceVersion } = workload;
    let failure: unknown;
    try {
      await client.putScale(kind.kind, workload, { replicas, resourceVersion }, options);
    } catch (error) {
      if (isKubeError(error, 'not-found')) return { ok: false, current: undefined };
      if (!isKubeError(error, 'conflict', 'write-outcome-unknown')) throw error;
      failure = error;
    }
    const current = await readWorkload(client, kind, workload, options);
    if (current?.uid !== workload.uid || current.labels[keys.epoch] !== epoch) return { ok: false, current };
    const asTested = testReplicas === undefined || current.replicas === testReplicas || current.replicas === replicas;
    if (!asTested) return { ok: false, current };
    if (failure !== undefined && attempt >= maxAttempts && current.replicas !== replicas) throw failure;
    workload = current;
  }
  return { ok: true, workload };
}
