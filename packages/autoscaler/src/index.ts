export { runAutoscaler, type AutoscalerContext } from './app/run.ts';
export { settings, type Settings } from './app/settings.ts';
export { AutoscalerError, type AutoscalerErrorCode, autoscalerErrors } from './errors.ts';
