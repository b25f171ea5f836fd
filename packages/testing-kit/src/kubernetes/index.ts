export { type Audit, type AuditEntry } from './api/audit.ts';
export { apiReasons, FakeApiError, type Status } from './api/errors.ts';
export { type FakeApi, type FakeApiOptions, startFakeApi } from './api/fake-api.ts';
export { type Fault, type FaultAction, type FaultHook, type Faults } from './api/faults.ts';
export { type ApiRequest, type Verb } from './api/http/request.ts';
export { builtInKinds, gatewayKinds, groupVersionOf, gvrOf, type Kind } from './api/kinds.ts';
export { type Metrics } from './api/metrics/metrics.ts';
export { type KubeObject, type NewObject } from './api/object.ts';
export { type Store } from './api/store/store.ts';
export { type WatchEvent } from './api/store/types.ts';
export { type EmbeddedCluster, type EmbeddedClusterOptions, startEmbeddedCluster } from './cluster/embedded-cluster.ts';
export {
  type Image,
  type ProcessImage,
  type RunningServer,
  type ServerContext,
  type ServerImage,
} from './cluster/image.ts';
export { type DeploymentOptions } from './cluster/manifests.ts';
export { type RunningProcess } from './cluster/node/node.ts';
export { type ServiceProxy } from './cluster/proxy/service-proxy.ts';
export { kubernetesApiPromises } from './promises/promises.ts';
export { connectRawApi, type RawApi } from './promises/raw-api.ts';
export { createEchoImage, type EchoImage } from './echo-image.ts';
