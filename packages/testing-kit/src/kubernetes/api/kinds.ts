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

/** A kind of `group/version` (or of a version of the core group), with a namespace unless `more` says otherwise. */
function kindOf(groupVersion: string, resource: string, kind: string, more: Partial<Kind> = {}): Kind {
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  return { group, version, resource, kind, namespaced: true, ...more };
}

/** A kind of workload: it has a scale. */
function workloadOf(resource: string, kind: string, generation: GenerationRule, more: Partial<Kind>): Kind {
  const scale = {
    specReplicasPath: 'spec/replicas',
    statusReplicasPath: 'status/replicas',
    selectorPath: 'spec/selector',
  };
  return kindOf('apps/v1', resource, kind, { hasStatus: true, scale, generation, ...more });
}

const ofCluster = { namespaced: false };
const bySpec = { generation: 'spec' } as const;
const withStatus = { hasStatus: true };
const created = { createOnUpdate: true };
const podFields = ['spec.nodeName', 'status.phase', 'status.podIP'];
const eventFields = ['kind', 'name', 'namespace', 'uid'].map((field) => `involvedObject.${field}`);

/** The kinds a fake API starts with. */
export const builtInKinds: readonly Kind[] = [
  kindOf('v1', 'namespaces', 'Namespace', {
    ...ofCluster,
    ...withStatus,
    shortNames: ['ns'],
    fields: ['status.phase'],
  }),
  kindOf('v1', 'pods', 'Pod', {
    ...withStatus,
    ...bySpec,
    shortNames: ['po'],
    returnsDeleted: true,
    fields: podFields,
  }),
  kindOf('v1', 'services', 'Service', { ...withStatus, ...created, shortNames: ['svc'], returnsDeleted: true }),
  kindOf('v1', 'events', 'Event', { ...created, shortNames: ['ev'], fields: [...eventFields, 'reason', 'type'] }),
  kindOf('v1', 'configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  kindOf('v1', 'secrets', 'Secret', { fields: ['type'] }),
  kindOf('v1', 'nodes', 'Node', { ...ofCluster, ...withStatus, shortNames: ['no'] }),
  kindOf('v1', 'serviceaccounts', 'ServiceAccount', { shortNames: ['sa'], returnsDeleted: true }),
  kindOf('v1', 'endpoints', 'Endpoints', { ...created, shortNames: ['ep'] }),
  workloadOf('deployments', 'Deployment', 'spec-and-annotations', { shortNames: ['deploy'] }),
  workloadOf('replicasets', 'ReplicaSet', 'spec', { shortNames: ['rs'], fields: ['status.replicas'] }),
  workloadOf('statefulsets', 'StatefulSet', 'spec', { shortNames: ['sts'] }),
  kindOf('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', { generation: 'labels-and-content' }),
  kindOf('coordination.k8s.io/v1', 'leases', 'Lease', { ...created, needsVersion: true }),
  kindOf('networking.k8s.io/v1', 'ingresses', 'Ingress', { ...withStatus, ...bySpec, shortNames: ['ing'] }),
  kindOf('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', { ...ofCluster, ...bySpec }),
  kindOf('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy', bySpec),
  kindOf('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', { ...withStatus, ...bySpec }),
  kindOf('autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', {
    ...withStatus,
    shortNames: ['hpa'],
  }),
];

const ofGateway = { ...withStatus, ...bySpec, custom: true, needsVersion: true };
const gatewayApi = 'gateway.networking.k8s.io/v1';

/**
 * The kinds of Gateway API that scaler reads. A fake API has them when they are among its `kinds` or registered later:
 * without, it is a cluster where Gateway API is not installed. Their defaults are not filled in.
 */
export const gatewayKinds: readonly Kind[] = [
  kindOf(gatewayApi, 'gateways', 'Gateway', { ...ofGateway, shortNames: ['gtw'] }),
  kindOf(gatewayApi, 'httproutes', 'HTTPRoute', ofGateway),
  kindOf(gatewayApi, 'gatewayclasses', 'GatewayClass', { ...ofGateway, ...ofCluster }),
];

/** `apps/v1/deployments`, `v1/pods`. */
export function gvrOf(kind: Pick<Kind, 'group' | 'version' | 'resource'>): string {
  return `${groupVersionOf(kind)}/${kind.resource}`;
}

/** `apps/v1`, `v1`: what objects of this kind have as `apiVersion`. */
export function groupVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
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
