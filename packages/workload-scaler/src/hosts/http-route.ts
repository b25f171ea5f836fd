import type { BackendReference, HttpRoute, HttpRouteMatch, ParentReference, Gateway } from '@scaler/kube';
import { type ServiceRoute, mostRoutes } from './ingress.ts';

/** A path that leads to a Service, on whatever hosts. */
export type PathRoute = Omit<ServiceRoute, 'host'>;

/** What an HTTPRoute hangs on. */
export interface RouteParent {
  /** `namespace/name`; undefined: something else that has listeners, which are not known here. */
  readonly gateway: string | undefined;
  /** The one listener that is meant; undefined: all. */
  readonly listener: string | undefined;
  readonly port: number | undefined;
  /** A controller has accepted it there. */
  readonly accepted?: boolean;
}

/** What is kept of an HTTPRoute. */
export type HttpRouteInfo = Readonly<ReturnType<typeof trimHttpRoute>>;

const gatewayGroup = 'gateway.networking.k8s.io';

/** Trims an HTTPRoute. Services of other namespaces belong to other owners: what leads there too is ambiguous. */
export function trimHttpRoute({ metadata, spec = {}, status }: HttpRoute) {
  const { namespace = '', name = '' } = metadata ?? {};
  const rules = (spec.rules ?? []).map(({ matches, backendRefs = [] }) => ({
    // An empty list is no condition, as none is.
    matches: matches === undefined || matches.length === 0 ? [{}] : matches,
    leads: backendRefs.filter(({ weight }) => weight !== 0).map((backend) => leadOf(backend, namespace)),
  }));
  const services = rules.flatMap(({ leads }) => leads.flatMap(({ service }) => service ?? []));
  const patterns = rules
    .filter(({ leads }) => leads.some(({ service }) => service !== undefined))
    .flatMap(({ matches }) => matches.flatMap(({ path }) => (path?.type === 'RegularExpression' ? [path.value] : [])));
  return {
    namespace,
    name,
    /** Lower case; none: those of the listeners. */
    hostnames: (spec.hostnames ?? []).map((host) => host.toLowerCase()),
    /** Those that did not refuse it. */
    parents: (spec.parentRefs ?? [])
      .filter(({ group }) => (group ?? gatewayGroup) === gatewayGroup)
      .flatMap((parent): RouteParent | [] => {
        const verdicts = verdictsOf(parent, status?.parents ?? [], namespace);
        // Every controller refused it.
        if (verdicts.length > 0 && verdicts.every((verdict) => verdict === 'False')) return [];
        const { kind = 'Gateway', namespace: of = namespace, name: gateway, sectionName: listener, port } = parent;
        return {
          gateway: kind === 'Gateway' ? [of, gateway].join('/') : undefined,
          listener,
          port,
          accepted: verdicts.includes('True'),
        };
      }),
    paths: pathsOf(rules, metadata?.creationTimestamp),
    /** Every Service of its own namespace that it names, each once. */
    services: [...new Set(services)],
    /** What of it names nothing on the shared port, and why. */
    problems: patterns.map(
      (path) =>
        `HTTPRoute ${name} has the path ${path}, a RegularExpression: it names nothing on the DLX's shared port`,
    ),
  };
}

type Parents = NonNullable<NonNullable<HttpRoute['status']>['parents']>;

/** What its controllers say of it there: `True`, `False`, `Unknown`. */
function verdictsOf(parent: ParentReference, parents: Parents, namespace: string): readonly string[] {
  const id = parentId(parent, namespace);
  return parents
    .filter(({ parentRef }) => parentId(parentRef, namespace) === id)
    .flatMap(({ conditions = [] }) => conditions.flatMap(({ type, status }) => (type === 'Accepted' ? status : [])));
}

function parentId(parent: ParentReference, ownNamespace: string): string {
  const { group = gatewayGroup, kind = 'Gateway', namespace = ownNamespace, name, sectionName, port } = parent;
  return JSON.stringify([group, kind, namespace, name, sectionName ?? '', port ?? 0]);
}

type Lead = Readonly<ReturnType<typeof leadOf>>;

/** Where a rule leads: a Service of the route's namespace, or elsewhere. */
function leadOf({ group = '', kind = 'Service', namespace, name, port }: BackendReference, own: string) {
  const isOwn = group === '' && kind === 'Service' && (namespace ?? own) === own;
  return {
    id: [group, kind, namespace ?? own, name, port].join('/'),
    service: isOwn ? name : undefined,
    port,
  };
}

interface Rule {
  readonly matches: readonly HttpRouteMatch[];
  readonly leads: readonly Lead[];
}

/** All that the rules say of one path. */
interface PathClaim {
  readonly path: string;
  readonly pathType: 'Prefix' | 'Exact';
  readonly leads: Map<string, Lead>;
  /** Each time only for some methods, headers or parameters. */
  conditional: boolean;
}

function pathsOf(rules: readonly Rule[], since: string | undefined): PathRoute[] {
  const age = since === undefined ? {} : { since };
  const claims = new Map<string, PathClaim>();
  for (const { matches, leads } of rules) {
    // A redirect, or nothing: the Gateway answers by itself.
    if (leads.length === 0) continue;
    for (const { path: { type, value: path = '/' } = {}, headers = [], queryParams = [], method } of matches) {
      if (type === 'RegularExpression') continue;
      const pathType = type === 'Exact' ? 'Exact' : 'Prefix';
      const conditional = headers.length > 0 || queryParams.length > 0 || method !== undefined;
      const key = `${pathType} ${pathType === 'Exact' ? path : withoutFinalSlash(path)}`;
      const claim = claims.get(key) ?? { path, pathType, leads: new Map<string, Lead>(), conditional: true };
      for (const lead of leads) claim.leads.set(lead.id, lead);
      claim.conditional &&= conditional;
      claims.set(key, claim);
    }
  }
  return [...claims.values()].flatMap((claim) => {
    const ambiguous = isAmbiguous(claim, claims) ? { ambiguous: true } : {};
    const { path, pathType } = claim;
    return [...claim.leads.values()].flatMap(({ service, port }) =>
      service === undefined ? [] : [{ service, port, path, pathType, ...ambiguous, ...age }],
    );
  });
}

// What does not meet a condition is for the next wider path.
function isAmbiguous(claim: PathClaim, claims: ReadonlyMap<string, PathClaim>): boolean {
  if (claim.leads.size > 1) return true;
  if (!claim.conditional) return false;
  const isElsewhere = (id: string): boolean => !claim.leads.has(id);
  for (const wide of widerThan(claim)) {
    const other = claims.get(`Prefix ${wide}`);
    if (other !== undefined && other !== claim && [...other.leads.keys()].some(isElsewhere)) return true;
  }
  return false;
}

/** The prefixes, without final slash, that match what the path does: itself, and its beginning before each slash. */
function* widerThan({ path }: PathClaim): Generator<string> {
  yield path;
  for (let slash = path.lastIndexOf('/'); slash >= 0; slash = slash === 0 ? -1 : path.lastIndexOf('/', slash - 1)) {
    yield path.slice(0, slash);
  }
}

function withoutFinalSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A listener of a Gateway that takes HTTP. */
type Listener = GatewayInfo['listeners'][number];

/** What is kept of a Gateway. */
export type GatewayInfo = Readonly<ReturnType<typeof trimGateway>>;

/** An HTTPRoute on the hosts that its Gateways let it have. */
export type HostedRoute = Readonly<ReturnType<typeof hostedRoute>>;

const withoutHttp = ['TCP', 'UDP', 'TLS'];

/** Trims a Gateway. */
export function trimGateway({ metadata, spec }: Gateway) {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    className: spec?.gatewayClassName ?? '',
    listeners: (spec?.listeners ?? [])
      .filter(({ protocol = 'HTTP' }) => !withoutHttp.includes(protocol))
      .map(({ name, port, hostname = '' }) => ({
        name,
        port,
        /** Lower case, `*.example.com` for all below it; `*`: any. */
        hostname: hostname === '' ? '*' : hostname.toLowerCase(),
      })),
  };
}

/**
 * An HTTPRoute on its hosts. `gatewayOf`: by `namespace/name`; undefined where there is none, or it must not be read.
 * `isParent`: whether it hangs on one of the parents that it names. Default: it does.
 */
export function hostedRoute(
  route: HttpRouteInfo,
  gatewayOf: (gateway: string) => GatewayInfo | undefined,
  isParent: (parent: RouteParent, gateway: GatewayInfo | undefined) => boolean = () => true,
) {
  const known = ({ gateway }: RouteParent): GatewayInfo | undefined =>
    gateway === undefined ? undefined : gatewayOf(gateway);
  const parents = route.parents.filter((parent) => isParent(parent, known(parent)));
  const found = parents.map((parent) => {
    const gateway = known(parent);
    return gateway === undefined ? route.hostnames : listenersOf(gateway, parent).flatMap((one) => meet(route, one));
  });
  const hidden = route.hostnames.length > 0 ? undefined : parents.find((parent) => known(parent) === undefined);
  const isLoose = parents.length === 0 && route.parents.length > 0;
  const hosts = [...new Set(found.flat())];
  return {
    /** Every Service of its namespace that it names. */
    services: route.services,
    /** Lower case, `*.example.com` for all below it, however deep; `*`: any. */
    hosts,
    routes: routesOn(hosts, route.paths),
    /** What of it names nothing on the shared port, and why. */
    problems: [
      ...route.problems,
      ...(hidden === undefined ? [] : [hiddenProblem(route, hidden)]),
      ...(isLoose
        ? [`HTTPRoute ${route.name} is accepted by no Gateway: it names nothing on the DLX's shared port`]
        : []),
    ],
  };
}

// A Gateway may have 64 listeners, and a route 1,024 paths: what is shown of one resource is less than that.
function routesOn(hosts: readonly string[], paths: HttpRouteInfo['paths']): ServiceRoute[] {
  const routes: ServiceRoute[] = [];
  for (const host of hosts) {
    for (const path of paths.slice(0, mostRoutes - routes.length)) routes.push({ host, ...path });
  }
  return routes;
}

function hiddenProblem({ name }: HttpRouteInfo, { gateway }: RouteParent): string {
  const whose = gateway === undefined ? 'a parent that is no Gateway' : `the Gateway ${gateway}`;
  return `HTTPRoute ${name} has no hostnames, and those of ${whose} are not known here: it names nothing on the DLX's shared port`;
}

function listenersOf({ listeners }: GatewayInfo, { listener, port }: RouteParent): readonly Listener[] {
  return listeners.filter(
    (one) => (listener === undefined || one.name === listener) && (port === undefined || one.port === port),
  );
}

function meet({ hostnames }: HttpRouteInfo, { hostname }: Listener): readonly string[] {
  if (hostnames.length === 0) return [hostname];
  return hostnames.flatMap((host) => {
    if (reaches(hostname, host)) return [host];
    return reaches(host, hostname) ? [hostname] : [];
  });
}

/** Whether all that `host` stands for is among what `claim` stands for, as Gateway API means it: `*.` is any depth. */
export function reaches(claim: string, host: string): boolean {
  if (claim === host || claim === '*') return true;
  return claim.startsWith('*.') && host.endsWith(claim.slice(1));
}
