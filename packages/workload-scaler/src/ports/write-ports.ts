import type { CallOptions, KubeClient } from '@scaler/kube';

import { labelPatch } from '../workload/label-patch.ts';
import type { WorkloadKind } from '../workload/kind.ts';
import type { PortPatch } from './allocate-ports.ts';

/**
 * Writes the port labels of one workload.
 *
 * @throws KubeError `test-failed` when they are not as read, `write-outcome-unknown`: allocate anew from what is there.
 */
export async function writePorts(
  client: KubeClient,
  kind: WorkloadKind,
  { workload, labels }: PortPatch,
  options: CallOptions,
): Promise<void> {
  await client.patch(kind.kind, workload, labelPatch(workload, labels), options);
}
