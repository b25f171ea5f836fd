/** The changes that raise `metadata.generation`, beside the start of a graceful deletion. */
export type GenerationRule = 'spec' | 'spec-and-annotations' | 'labels-and-content' | 'none';

/**
 * One kind of object. `gvr` names it everywhere in this package: `v1/pods`, `apps/v1/deployments`.
 */
export type Kind = {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, lower case: the path segment. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** There is a `/status` subresource: the main resource ignores `status`, the subresource everything else. */
  readonly hasStatus?: boolean;
  /** There is a `/scale` subresource; the value says where the replicas are. JSON pointers without the first slash. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly selectorPath: string;
  };
  readonly generation?: GenerationRule;
  readonly shortNames?: readonly string[];
  /** PUT without `resourceVersion` is refused: leases and custom resources. */
  readonly needsVersion?: boolean;
  /** PUT creates what is not there: leases, services, events. */
  readonly createOnUpdate?: boolean;
  /** DELETE answers with the object, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Whether it is of a CustomResourceDefinition: lists name the kind of each item, strategic merge patches are refused. */
  readonly custom?: boolean;
  /** Further field selectors than `metadata.name` and `metadata.namespace`. */
  readonly fields?: readonly string[];
};

const workloadScale = {
  specReplicasPath: 'spec/replicas',
  statusReplicasPath: 'status/replicas',
  selectorPath: 'spec/selector',
};
const eventFields = [
  'involvedObject.kind',
  'involvedObject.name',
  'involvedObject.namespace',
  'involvedObject.uid',
  'reason',
  'type',
];
const core = { group: '', version: 'v1', namespaced: true } as const;
const apps = { group: 'apps', version: 'v1', namespaced: true, hasStatus: true, scale: workloadScale } as const;

/** The kinds a fake API starts with. */
export const builtInKinds: readonly Kind[] = [
  {
    ...core,
    resource: 'namespaces',
    kind: 'Namespace',
    namespaced: false,
    hasStatus: true,
    shortNames: ['ns'],
    fields: ['status.phase'],
  },
  {
    ...core,
    resource: 'pods',
    kind: 'Pod',
    hasStatus: true,
    generation: 'spec',
    shortNames: ['po'],
    returnsDeleted: true,
    fields: ['spec.nodeName', 'status.phase', 'status.podIP'],
  },
  {
    ...core,
    resource: 'services',
    kind: 'Service',
    hasStatus: true,
    shortNames: ['svc'],
    createOnUpdate: true,
    returnsDeleted: true,
  },
  { ...core, resource: 'events', kind: 'Event', shortNames: ['ev'], createOnUpdate: true, fields: eventFields },
  { ...core, resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { ...core, resource: 'secrets', kind: 'Secret', fields: ['type'] },
  { ...core, resource: 'nodes', kind: 'Node', namespaced: false, hasStatus: true, shortNames: ['no'] },
  { ...core, resource: 'serviceaccounts', kind: 'ServiceAccount', shortNames: ['sa'], returnsDeleted: true },
  { ...core, resource: 'endpoints', kind: 'Endpoints', shortNames: ['ep'], createOnUpdate: true },
  { ...apps, resource: 'deployments', kind: 'Deployment', generation: 'spec-and-annotations', shortNames: ['deploy'] },
  {
    ...apps,
    resource: 'replicasets',
    kind: 'ReplicaSet',
    generation: 'spec',
    shortNames: ['rs'],
    fields: ['status.replicas'],
  },
  { ...apps, resource: 'statefulsets', kind: 'StatefulSet', generation: 'spec', shortNames: ['sts'] },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    resource: 'endpointslices',
    kind: 'EndpointSlice',
    namespaced: true,
    generation: 'labels-and-content',
  },
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    resource: 'leases',
    kind: 'Lease',
    namespaced: true,
    needsVersion: true,
    createOnUpdate: true,
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'ingresses',
    kind: 'Ingress',
    namespaced: true,
    hasStatus: true,
    generation: 'spec',
    shortNames: ['ing'],
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'ingressclasses',
    kind: 'IngressClass',
    namespaced: false,
    generation: 'spec',
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'networkpolicies',
    kind: 'NetworkPolicy',
    namespaced: true,
    generation: 'spec',
  },
  { group: 'events.k8s.io', version: 'v1', resource: 'events', kind: 'Event', namespaced: true, createOnUpdate: true },
  {
    group: 'policy',
    version: 'v1',
    resource: 'poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    namespaced: true,
    hasStatus: true,
    generation: 'spec',
  },
  {
    group: 'autoscaling',
    version: 'v2',
    resource: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    namespaced: true,
    hasStatus: true,
    shortNames: ['hpa'],
  },
];

const gatewayApi = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  namespaced: true,
  hasStatus: true,
  generation: 'spec',
  custom: true,
  needsVersion: true,
} as const;

/**
 * The kinds of Gateway API that scaler reads. A fake API has them when they are among its `kinds` or registered later:
 * without, it is a cluster where Gateway API is not installed. Their defaults are not filled in.
 */
export const gatewayKinds: readonly Kind[] = [
  { ...gatewayApi, resource: 'gateways', kind: 'Gateway', shortNames: ['gtw'] },
  { ...gatewayApi, resource: 'httproutes', kind: 'HTTPRoute' },
  { ...gatewayApi, resource: 'gatewayclasses', kind: 'GatewayClass', namespaced: false },
];

/** `apps/v1/deployments`, `v1/pods`. */
export function gvrOf(kind: Kind): string {
  return `${groupVersionOf(kind)}/${kind.resource}`;
}

/** `apps/v1`, `v1`: what objects of this kind have as `apiVersion`. */
export function groupVersionOf(kind: Kind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** `deployments.apps`, `pods`: how the server's messages call it. */
export function qualifiedResource(kind: Kind): string {
  return kind.group === '' ? kind.resource : `${kind.resource}.${kind.group}`;
}

/** `Deployment.apps`, `Pod`: how the server's messages about invalid objects call it. */
export function qualifiedKind(kind: Pick<Kind, 'group' | 'kind'>): string {
  return kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
}
