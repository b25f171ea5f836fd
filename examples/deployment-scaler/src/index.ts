export { DeploymentScalerError, type DeploymentScalerErrorCode } from './errors.ts';
export { createResourceScaler, createScaler } from './scaler.ts';
