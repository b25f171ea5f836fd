export { type CallOptions } from './client/caller.ts';
export {
  type DeleteOptions,
  type KubeClient,
  type ListOptions,
  type ListResult,
  type PatchOptions,
  type RawOptions,
  type Selection,
  type WarmOptions,
  type WatchOptions,
  type WriteOptions,
} from './client/client.ts';
export { connectKube, type ConnectOptions } from './client/connect.ts';
export {
  type BackendReference,
  type Gateway,
  type GatewayClass,
  type HttpRoute,
  type HttpRouteMatch,
  type ParentReference,
} from './objects/gateway-api.ts';
export { jsonPatch, type PatchOperation } from './objects/json-patch.ts';
export {
  apiVersionOf,
  type ConfigMap,
  type CoreEvent,
  customKind,
  type Deployment,
  type EndpointSlice,
  type HorizontalPodAutoscaler,
  type Ingress,
  type IngressClass,
  type Kind,
  kinds,
  type KubeObject,
  type Lease,
  type Namespace,
  type Node,
  type ObjectMeta,
  type ObjectRef,
  type Pod,
  type ReplicaSet,
  type Scale,
  type Service,
  type StatefulSet,
} from './objects/kinds.ts';
export { type Lane, type LaneBudget } from './client/lane.ts';
export { type Query } from './client/paths.ts';
export { type Wire } from './objects/wire.ts';
export { isKubeError, KubeError, type KubeErrorCode, kubeErrorCodes } from './errors.ts';
export { type EventObject, eventObjectOf, type EventType } from './events/event-record.ts';
export { createEventRecorder, type EventRecorder, type EventRecorderOptions } from './events/event-recorder.ts';
export { createElection, type Election, type ElectionOptions } from './lease/election.ts';
export { type Leadership } from './lease/reign.ts';
export {
  createCustomMetricsClient,
  type CustomMetricsClient,
  type ObjectMetricQuery,
  type ObjectMetrics,
} from './metrics-api/custom-metrics.ts';
export {
  createExternalMetricsClient,
  type ExternalMetricQuery,
  type ExternalMetricsClient,
} from './metrics-api/external-metrics.ts';
export {
  isUnknown as isUnknownMetric,
  type Metric,
  type MetricSample,
  type UnknownMetric,
  type UnknownMetricCode,
  unknownMetricCodes,
} from './metrics-api/metric-answer.ts';
export { type Store, type StoreEvent, type StoreListener, type WatchFailure } from './watch/store.ts';
export { watchStore, type WatchStoreOptions } from './watch/watch-store.ts';
export { deadlineError } from './client/deadline.ts';
export { identity } from './objects/identity.ts';
export { share } from './objects/share.ts';
export { compareResourceVersions, isOlder } from './watch/resource-version.ts';
export {
  type SliceAddresses,
  sliceAddresses,
  type SliceEndpoint,
  sliceLabels,
  type SlicePort,
} from './services/endpoint-slice.ts';
export {
  readServiceAddresses,
  type ServiceAddress,
  serviceAddresses,
  slicesOfService,
} from './services/service-addresses.ts';
