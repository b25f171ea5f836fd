export { WorkloadScalerError, type WorkloadScalerErrorCode } from './errors.ts';
export { createWorkloadScaler } from './scaler.ts';
export { portLabel } from './ports/port-label.ts';
export { buildSlices } from './routing/slices.ts';
export { trimService } from './routing/service-info.ts';
export { keys } from './workload/keys.ts';
export { newEpoch } from './workload/token.ts';
export type { WorkloadKind, WorkloadKinds } from './workload/kind.ts';
export { appsRollout } from './workload/kind.ts';
