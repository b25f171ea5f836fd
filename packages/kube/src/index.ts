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
} from './client/gateway-api.ts';
export { jsonPatch, type PatchOperation } from './client/json-patch.ts';
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
} from './client/kinds.ts';
export { type Lane, type LaneBudget } from './client/lane.ts';
export { type Query } from './client/paths.ts';
export { type Wire } from './client/wire.ts';
export { isKubeError, KubeError, type KubeErrorCode, kubeErrorCodes } from './errors.ts';
export { type EventObject, eventObjectOf, type EventType } from './events/event-record.ts';
export { createEventRecorder, type EventRecorder, type EventRecorderOptions } from './events/event-recorder.ts';
export { createElection, type Election, type ElectionOptions, type Leadership } from './lease/election.ts';
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
export { compareResourceVersions } from './watch/resource-version.ts';
export { type Store, type StoreEvent, type StoreListener, type WatchFailure } from './watch/store.ts';
export { watchStore, type WatchStoreOptions } from './watch/watch-store.ts';
export { createEndpoints, type Endpoints, type EndpointsOptions } from './endpoints/endpoints.ts';
export { type PodInfo, type ReplicaSetInfo, trimPod, trimReplicaSet } from './endpoints/pod-info.ts';
export { type ContainerTrouble, type PodTrouble, type PodWait } from './endpoints/pod-trouble.ts';
export { targetPortOf } from './endpoints/target-port.ts';
export { type WorkloadSource } from './endpoints/workload-views.ts';
export {
  allocatePorts,
  heldPort,
  type AllocationOptions,
  type PortAllocation,
  type PortClaimant,
  type PortPatch,
} from './routing/allocate-ports.ts';
export {
  buildSlices,
  type DivertedPort,
  type Diversion,
  resourceLabel,
  sameSlice,
  sliceName,
} from './routing/build-slice.ts';
export { createDlxAddresses, type DlxAddresses, type DlxAddressesOptions } from './routing/dlx-addresses.ts';
export {
  type MirrorAddresses,
  mirrorAddresses,
  type MirrorUrgency,
  mirrorUrgency,
  ofFamilies,
} from './routing/mirror.ts';
export { type IsListening } from './routing/listen-checks.ts';
export { type LedPort, ledPorts } from './routing/led-ports.ts';
export { defaultPortRange, listenPortOf, portLabel, type PortRange } from './routing/port-label.ts';
export {
  isOurs,
  ourSlices,
  ownSelector,
  type Routing,
  routingOf,
  type RoutingSlice,
  selects,
} from './routing/routing.ts';
export {
  readServiceAddresses,
  type ServiceAddress,
  serviceAddresses,
  slicesOfService,
} from './routing/service-addresses.ts';
export { type ServiceInfo, type ServicePort, trimService } from './routing/service-info.ts';
export { foreignPods, serviceProblems } from './routing/service-problems.ts';
export {
  type AddressType,
  type SliceEndpoint,
  type SliceInfo,
  type SlicePort,
  trimSlice,
} from './routing/slice-info.ts';
export { writePorts } from './routing/write-ports.ts';
export { addSelectorKey, deleteSlice, removeSelectorKey, writeSlice } from './routing/write-routing.ts';
export { type FieldPath, type FieldWriter, otherWriter } from './state/field-writers.ts';
export { fewOf } from './state/few-of.ts';
export { digest, keys, shortened } from './state/keys.ts';
export { isCopied } from './state/copied.ts';
export { type Labels, labelValue, type PortLabel } from './state/labels.ts';
export { type ContainerPort, type PodShape, type ProbeSpec } from './state/pod-shape.ts';
export { newEpoch, readToken, type State, type Token } from './state/token.ts';
export { readWorkload } from './state/read-workload.ts';
export { transition, type Transition, type TransitionResult } from './state/transition.ts';
export {
  sameLabels,
  trimDeployment,
  trimStatefulSet,
  type Workload,
  type WorkloadKind,
  workloadKinds,
  workloadTrimmer,
} from './state/workload.ts';
