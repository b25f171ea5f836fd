import { kinds } from '@scaler/kube';
import type { WorkloadKind, WorkloadKinds } from '@scaler/workload-scaler';

const deployment: WorkloadKind = { kind: kinds.deployment, replicasPath: '/spec/replicas', scaleOnly: false };

const statefulSet: WorkloadKind = { kind: kinds.statefulSet, replicasPath: '/spec/replicas', scaleOnly: false };

/** Where a Deployment and a StatefulSet share a name, the Deployment is the resource. */
export const workloadKinds: WorkloadKinds = [deployment, statefulSet];
