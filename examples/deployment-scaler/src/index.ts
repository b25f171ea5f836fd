import type { ResourceScaler, ScalerContext } from '@scaler/scaler-types';
import { createWorkloadScaler } from '@scaler/workload-scaler';
import { workloadKinds } from './kinds.ts';

/**
 * Creates the default scaler: Deployments and StatefulSets that carry the label `scaler/enabled: "true"`, with their
 * Services. Options, annotations and errors are those of `@scaler/workload-scaler`.
 *
 * @throws WorkloadScalerError `invalid-option`. @throws KubeError `bad-config` when there is no usable kubeconfig.
 */
export function createResourceScaler(context: ScalerContext): Promise<ResourceScaler> {
  return createWorkloadScaler(context, workloadKinds);
}
