import { type Service, identity, share } from '@scaler/kube';
import { fewOf } from '../workload/few-of.ts';
import { keys } from '../workload/keys.ts';

/** One port of a Service. */
export interface ServicePort {
  readonly name: string | undefined;
  readonly port: number;
  /** A number, or the name of a container port, which each pod may resolve otherwise. */
  readonly targetPort: number | string;
  readonly protocol: string;
  readonly appProtocol: string | undefined;
}

/** Its ports that can be diverted. */
export function tcpPortsOf({ ports }: Pick<ServiceInfo, 'ports'>): readonly ServicePort[] {
  return ports.filter(({ protocol }) => protocol === 'TCP');
}

/** What is kept of a Service. */
export type ServiceInfo = Readonly<ReturnType<typeof trimService>>;

/** Trims a Service. */
export function trimService({ metadata, spec }: Service) {
  return {
    ...identity(metadata),
    /** It is being deleted. */
    deleting: metadata?.deletionTimestamp !== undefined,
    type: spec?.type ?? 'ClusterIP',
    /** Neither an address nor a proxy in front of the pods: clients get the pods' addresses from DNS. */
    headless: spec?.clusterIP === 'None',
    /** With our key, where it is there. Undefined: its endpoints are kept by another client. */
    selector: Object.keys(spec?.selector ?? {}).length > 0 ? spec?.selector : undefined,
    ports: share((spec?.ports ?? []).map(trimPort)),
    ipFamilies: share(spec?.ipFamilies ?? ['IPv4']),
    externalLocal: spec?.externalTrafficPolicy === 'Local',
    internalLocal: spec?.internalTrafficPolicy === 'Local',
    /** Each client is to stay at one pod, by its address. */
    clientAffinity: spec?.sessionAffinity === 'ClientIP',
    /** The annotation by which a proxy in front keeps each client at one pod, `key=value`. */
    sticky: stickyOf(metadata?.annotations ?? {}),
    /** The annotation that makes a load balancer send to pods by itself, `key=value`. */
    ipTargets: ipTargets(metadata?.annotations ?? {}),
    annotated: metadata?.annotations !== undefined,
    /** It carries the annotation that moved its version. */
    touched: metadata?.annotations?.[keys.touched] !== undefined,
    /** Field managers that own the selector, those of server-side apply first: how a GitOps tool is known. */
    managers: share(selectorManagers(metadata?.managedFields ?? [])),
  };
}

type SpecPort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

function trimPort({ name, port, targetPort, protocol, appProtocol }: SpecPort): ServicePort {
  return { name, port, targetPort: targetPort ?? port, protocol: protocol ?? 'TCP', appProtocol };
}

const ipTargetAnnotations: readonly (readonly [key: string, means: RegExp])[] = [
  ['service.beta.kubernetes.io/aws-load-balancer-nlb-target-type', /^ip$/],
  ['service.beta.kubernetes.io/aws-load-balancer-type', /^nlb-ip$/],
  ['alb.ingress.kubernetes.io/target-type', /^ip$/],
  ['cloud.google.com/neg', /"ingress"\s*:\s*true|"exposed_ports"/],
  // Written by the controller, for GKE's Gateways too. The group of port 0 is one of nodes, of an internal balancer.
  ['cloud.google.com/neg-status', /"network_endpoint_groups"\s*:\s*\{[^}]*"[1-9]\d*"\s*:/],
];

function ipTargets(annotations: Readonly<Record<string, string>>): string | undefined {
  const found = ipTargetAnnotations.find(([key, means]) => means.test(annotations[key] ?? ''));
  return found && `${found[0]}=${annotations[found[0]]}`;
}

const stickyAnnotations: readonly (readonly [key: string, means: RegExp])[] = [
  ['nginx.ingress.kubernetes.io/affinity', /^cookie$/],
  ['nginx.ingress.kubernetes.io/upstream-hash-by', /./],
  ['traefik.ingress.kubernetes.io/service.sticky.cookie', /^true$/],
  ['haproxy-ingress.github.io/affinity', /^cookie$/],
  ['haproxy.org/cookie-persistence', /./],
];
const longestAnnotation = 100;

/** Of a Service or an Ingress: by what a proxy in front of the pods keeps each client at one of them. */
export function stickyOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const found = stickyAnnotations.find(([key, means]) => means.test(annotations[key] ?? ''));
  return found && `${found[0]}=${(annotations[found[0]] ?? '').slice(0, longestAnnotation)}`;
}

type ManagedFields = NonNullable<NonNullable<Service['metadata']>['managedFields']>;

function selectorManagers(fields: ManagedFields): string[] {
  const owners = fields.filter(({ fieldsV1 }) => {
    const spec = (fieldsV1 as Record<string, Record<string, unknown>> | undefined)?.['f:spec'];
    return spec?.['f:selector'] !== undefined;
  });
  const applying = owners.filter(({ operation }) => operation === 'Apply');
  return [...new Set([...applying, ...owners].map(({ manager }) => manager ?? ''))];
}

/** The API takes no EndpointSlice with more ports, and the ports of a Service stand in one of ours. */
const mostPorts = 100;

/** Why a Service cannot be diverted, one sentence each; empty when it can. */
export function serviceProblems(service: ServiceInfo): readonly string[] {
  const problem = (condition: boolean, text: string): string[] =>
    condition ? [`Service ${service.name} ${text}`] : [];
  const datagrams = service.ports.filter(({ protocol }) => protocol !== 'TCP');
  const named = fewOf(datagrams.map(({ port, protocol }) => `${port}/${protocol}`));
  return [
    ...problem(service.deleting, 'is being deleted'),
    ...problem(service.type === 'ExternalName', 'is an ExternalName: its clients never come through the cluster'),
    ...problem(service.headless, 'is headless: its clients connect to pods by themselves'),
    ...problem(service.selector === undefined, 'has no selector: another client keeps its endpoints'),
    ...problem(service.ports.length === 0, 'has no ports'),
    ...problem(
      service.ports.length > mostPorts,
      `has ${service.ports.length} ports: an EndpointSlice, by which it would be diverted, takes at most ${mostPorts}`,
    ),
    ...problem(datagrams.length > 0, `has the port ${named}: only TCP connections can be held`),
    ...problem(service.externalLocal, 'has externalTrafficPolicy Local: nodes without a DLX would drop its traffic'),
    ...problem(service.internalLocal, 'has internalTrafficPolicy Local: nodes without a DLX would drop its traffic'),
    ...problem(
      service.ipTargets !== undefined,
      `has ${service.ipTargets}: its load balancer sends to pods by itself and ignores the DLX`,
    ),
  ];
}
