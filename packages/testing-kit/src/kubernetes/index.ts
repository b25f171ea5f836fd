export { type Authorize, type ReviewToken, type Verdict } from './api/access.ts';
export { type Audit, type AuditEntry, type AuditFilter } from './api/audit.ts';
export { type ApiReason, apiReasons, FakeApiError, type Status, type StatusCause } from './api/errors.ts';
export { type FakeApi, type FakeApiOptions, startFakeApi } from './api/fake-api.ts';
export { type Fault, type FaultAction, type FaultHandle, type FaultHook, type Faults } from './api/faults.ts';
export { type ApiRequest, type Verb } from './api/http/request.ts';
export { builtInKinds, gatewayKinds, type GenerationRule, groupVersionOf, gvrOf, type Kind } from './api/kinds.ts';
export { type CustomMetric, type ExternalMetric, type Metrics, type ServedMetrics } from './api/metrics/metrics.ts';
export {
  type Json,
  type JsonObject,
  type KubeObject,
  type NewObject,
  type ObjectMeta,
  type OwnerReference,
} from './api/object.ts';
export { type PatchType } from './api/patch/patch.ts';
export { type Store } from './api/store/store.ts';
export {
  type DeleteOptions,
  type DeleteResult,
  type ListOptions,
  type ListResult,
  type Patch,
  type Selection,
  type UpdateOptions,
  type WatchEvent,
  type WatchListener,
  type WatchOptions,
  type WriteOptions,
} from './api/store/types.ts';
export { type WaitOptions as ClusterWaitOptions } from './cluster/changes.ts';
export { type ControllerLag, type ControllerName } from './cluster/controllers/controllers.ts';
export { type EmbeddedCluster, type EmbeddedClusterOptions, startEmbeddedCluster } from './cluster/embedded-cluster.ts';
export {
  type Image,
  type ProcessImage,
  type RunningServer,
  type ServerContext,
  type ServerImage,
} from './cluster/image.ts';
export { type DeploymentOptions, type ServiceOptions } from './cluster/manifests.ts';
export { type RunningProcess, type SimulatedNode } from './cluster/node/node.ts';
export { type ServiceCounters, type ServiceProxy } from './cluster/proxy/service-proxy.ts';
export { kubernetesApiPromises } from './promises/promises.ts';
export {
  connectRawApi,
  type RawApi,
  type RawApiAddress,
  type RawRequestOptions,
  type RawResponse,
} from './promises/raw-api.ts';
export { type Promised } from './promises/checked-api.ts';
export { createEchoImage, type EchoImage } from './echo-image.ts';
