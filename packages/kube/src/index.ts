export { type CallOptions } from './client/caller.ts';
export { type KubeClient } from './client/client.ts';
export { connectKube } from './client/connect.ts';
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
  customKind,
  type Deployment,
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  type Kind,
  kinds,
  type Namespace,
  type Pod,
  type ReplicaSet,
  type Service,
} from './objects/kinds.ts';
export { deadlineError, isKubeError, KubeError, kubeErrorCodes } from './errors.ts';
export { EventRecorder } from './events/event-recorder.ts';
export { createElection } from './lease/election.ts';
export {
  createCustomMetricsClient,
  createExternalMetricsClient,
  type CustomMetricsClient,
  type ExternalMetricsClient,
  type ObjectMetrics,
} from './metrics-api/metrics-clients.ts';
export {
  isUnknown as isUnknownMetric,
  type Metric,
  type UnknownMetric,
  type UnknownMetricCode,
  unknownMetricCodes,
} from './metrics-api/metric-answer.ts';
export { type StoreEvent } from './watch/items.ts';
export { type Store, watchStore } from './watch/watch-store.ts';
export { identity, type KubeObject, type ObjectMeta } from './objects/wire.ts';
export { share } from './objects/share.ts';
export { compareResourceVersions, isOlder } from './watch/resource-version.ts';
export {
  readServiceAddresses,
  type ServiceAddress,
  serviceAddresses,
  type SliceAddresses,
  sliceAddresses,
  sliceLabels,
  slicesOfService,
} from './services/service-addresses.ts';
