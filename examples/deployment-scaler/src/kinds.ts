import { kinds } from '@scaler/kube';
import { appsRollout, type WorkloadKind, type WorkloadKinds } from '@scaler/workload-scaler';

/** What both have in common: the status and the pods of `apps/v1`. */
const apps = { replicasPath: '/spec/replicas', scaleOnly: false, pods: 'owned', rollout: appsRollout } as const;

const deployment: WorkloadKind = { kind: kinds.deployment, ...apps };

const statefulSet: WorkloadKind = { kind: kinds.statefulSet, ...apps };

/** Where a Deployment and a StatefulSet share a name, the Deployment is the resource. */
export const workloadKinds: WorkloadKinds = [deployment, statefulSet];
