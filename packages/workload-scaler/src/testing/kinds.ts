import { kinds } from '@scaler/kube';
import { type WorkloadKind, type WorkloadKinds, workloadTrimmer } from '../workload/workload.ts';

/** The kinds that tests scale. */
export const workloadKinds = {
  deployment: { kind: kinds.deployment, replicasPath: '/spec/replicas', scaleOnly: false },
  statefulSet: { kind: kinds.statefulSet, replicasPath: '/spec/replicas', scaleOnly: false },
} as const satisfies Record<string, WorkloadKind>;

export const bothKinds: WorkloadKinds = Object.values(workloadKinds);

export const trimDeployment = workloadTrimmer(workloadKinds.deployment);
