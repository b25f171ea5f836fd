import { kinds } from '@scaler/kube';
import { appsRollout, type WorkloadKind, type WorkloadKinds } from '../workload/kind.ts';
import { workloadTrimmer } from '../workload/workload.ts';

const common = { replicasPath: '/spec/replicas', scaleOnly: false, pods: 'owned', rollout: appsRollout } as const;

/** The kinds that tests scale. */
export const workloadKinds = {
  deployment: { kind: kinds.deployment, ...common },
  statefulSet: { kind: kinds.statefulSet, ...common },
} as const satisfies Record<string, WorkloadKind>;

export const bothKinds: WorkloadKinds = Object.values(workloadKinds);

export const trimDeployment = workloadTrimmer(workloadKinds.deployment);
