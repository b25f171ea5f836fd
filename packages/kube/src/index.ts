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
export { compareResourceVersions } from './watch/resource-version.ts';
export { type Store, type StoreEvent, type StoreListener, type WatchFailure } from './watch/store.ts';
export { watchStore, type WatchStoreOptions } from './watch/watch-store.ts';
