export { type CancelTimer, type Clock, sleepWith, systemClock } from './clock.ts';
export { formatDuration, formatMetricWindow, parseAnyDuration, parseDuration } from './units/duration.ts';
export { errorCode, isTerminal, ScalerError, type ScalerErrorCode, scalerErrors, terminal } from './errors.ts';
export { formatResource, parseResource, resourceFields, type ResourceJson } from './json/resource-json.ts';
export { parseScaleResource, type ScaleResourceJson } from './json/scale-resource-json.ts';
export { type LogFields, type Logger } from './logger.ts';
export { type MetricSample, type ScalerMetric } from './metric.ts';
export { type Notice, type NoticeReason, noticeReasons } from './notice.ts';
export { type Pause, pauseInEffect, type PauseMode, pauseModes, pauseText } from './pause.ts';
export { proposableSettings, type ProposedConfig } from './proposal.ts';
export { parseQuantity } from './units/quantity.ts';
export {
  type Led,
  type Phase,
  type QuietRule,
  type Resource,
  resourceKey,
  type ResourceRef,
  type Route,
  type Target,
  type TargetPort,
} from './resource.ts';
export { type ScaleEvent, scaleEvents } from './scale-event.ts';
export {
  defaultMetricNamePattern,
  metricFullName,
  type MetricObject,
  type MetricSource,
  metricSources,
  type ScaleResource,
} from './scale-resource.ts';
export {
  type ConfirmAnswer,
  type ConfirmRequest,
  type CreateResourceScaler,
  type Endpoint,
  type EndpointListener,
  type Explanation,
  type ResourceChange,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleReason,
  type ScaleResult,
  type ScalerContext,
  type WakeStep,
} from './scaler.ts';
export { cut, quoted, shown } from './shown.ts';
export { contractVersion } from './version.ts';
