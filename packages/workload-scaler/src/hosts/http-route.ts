import type { BackendReference, HttpRoute, HttpRouteMatch, ParentReference } from '@scaler/kube';
import type { ServiceRoute } from './service-route.ts';

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
export interface HttpRouteInfo {
  readonly namespace: string;
  readonly name: string;
  /** Lower case; none: those of the listeners. */
  readonly hostnames: readonly string[];
  /** Those that did not refuse it. */
  readonly parents: readonly RouteParent[];
  readonly paths: readonly PathRoute[];
  /** Every Service of its own namespace that it names, each once. */
  readonly services: readonly string[];
  /** What of it names nothing on the shared port, and why. */
  readonly problems: readonly string[];
}

const gatewayGroup = 'gateway.networking.k8s.io';

/** Trims an HTTPRoute. Services of other namespaces belong to other owners: what leads there too is ambiguous. */
export function trimHttpRoute({ metadata, spec = {}, status }: HttpRoute): HttpRouteInfo {
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
    hostnames: (spec.hostnames ?? []).map((host) => host.toLowerCase()),
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
    services: [...new Set(services)],
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

/** Where a rule leads: a Service of the route's namespace, or elsewhere. */
interface Lead {
  readonly id: string;
  readonly service: string | undefined;
  readonly port: number | undefined;
}

function leadOf({ group = '', kind = 'Service', namespace, name, port }: BackendReference, own: string): Lead {
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
