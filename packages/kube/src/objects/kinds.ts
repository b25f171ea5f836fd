import type {
  CoreV1Event,
  V1Deployment,
  V1EndpointSlice,
  V1Ingress,
  V1IngressClass,
  V1Lease,
  V1Namespace,
  V1Pod,
  V1ReplicaSet,
  V1Scale,
  V1Service,
  V1StatefulSet,
} from '@kubernetes/client-node';
import type { Gateway, GatewayClass, HttpRoute } from './gateway-api.ts';
import type { KubeObject, Wire } from './wire.ts';

export type CoreEvent = Wire<CoreV1Event>;
export type Deployment = Wire<V1Deployment>;
export type EndpointSlice = Wire<V1EndpointSlice>;
export type Ingress = Wire<V1Ingress>;
export type IngressClass = Wire<V1IngressClass>;
export type Lease = Wire<V1Lease>;
export type Namespace = Wire<V1Namespace>;
export type Pod = Wire<V1Pod>;
export type ReplicaSet = Wire<V1ReplicaSet>;
export type Scale = Wire<V1Scale>;
export type Service = Wire<V1Service>;
export type StatefulSet = Wire<V1StatefulSet>;

/** A kind of object, and where the API serves it. `T` is the object's type; it exists for the compiler only. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As in the path: `deployments`. */
  readonly plural: string;
  /** As in `kind`: `Deployment`. */
  readonly kind: string;
  readonly namespaced: boolean;
  readonly object?: T;
}

/** A reference to an object. `namespace` is left out for kinds that have none. */
export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A kind that {@link kinds} does not have, a custom resource for instance. */
export function customKind<T extends KubeObject = KubeObject>(kind: Omit<Kind, 'object'>): Kind<T> {
  return kind as Kind<T>;
}

function namespaced<T extends KubeObject>(group: string, version: string, plural: string, kind: string): Kind<T> {
  return { group, version, plural, kind, namespaced: true };
}

function clusterWide<T extends KubeObject>(group: string, version: string, plural: string, kind: string): Kind<T> {
  return { group, version, plural, kind, namespaced: false };
}

/** The kinds that scaler works with. Those of Gateway API exist only where its CustomResourceDefinitions are installed. */
export const kinds = {
  deployment: namespaced<Deployment>('apps', 'v1', 'deployments', 'Deployment'),
  endpointSlice: namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  event: namespaced<CoreEvent>('', 'v1', 'events', 'Event'),
  gateway: namespaced<Gateway>('gateway.networking.k8s.io', 'v1', 'gateways', 'Gateway'),
  gatewayClass: clusterWide<GatewayClass>('gateway.networking.k8s.io', 'v1', 'gatewayclasses', 'GatewayClass'),
  httpRoute: namespaced<HttpRoute>('gateway.networking.k8s.io', 'v1', 'httproutes', 'HTTPRoute'),
  ingress: namespaced<Ingress>('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  ingressClass: clusterWide<IngressClass>('networking.k8s.io', 'v1', 'ingressclasses', 'IngressClass'),
  lease: namespaced<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  namespace: clusterWide<Namespace>('', 'v1', 'namespaces', 'Namespace'),
  pod: namespaced<Pod>('', 'v1', 'pods', 'Pod'),
  replicaSet: namespaced<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet'),
  service: namespaced<Service>('', 'v1', 'services', 'Service'),
  statefulSet: namespaced<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet'),
} as const;

/** `v1` or `apps/v1`. */
export function apiVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
