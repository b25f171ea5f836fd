export { DeploymentScalerError, type DeploymentScalerErrorCode } from './errors.ts';
export { createResourceScaler } from './scaler.ts';
