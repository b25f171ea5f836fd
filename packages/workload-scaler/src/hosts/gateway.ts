import type { Gateway } from '@scaler/kube';
import type { HttpRouteInfo, RouteParent } from './http-route.ts';
import { mostRoutes, type ServiceRoute } from './service-route.ts';

/** A listener of a Gateway that takes HTTP. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  /** Lower case, `*.example.com` for all below it; `*`: any. */
  readonly hostname: string;
}

/** What is kept of a Gateway. */
export interface GatewayInfo {
  readonly namespace: string;
  readonly name: string;
  readonly className: string;
  readonly listeners: readonly Listener[];
}

/** An HTTPRoute on the hosts that its Gateways let it have. */
export interface HostedRoute {
  /** Every Service of its namespace that it names. */
  readonly services: readonly string[];
  /** Lower case, `*.example.com` for all below it, however deep; `*`: any. */
  readonly hosts: readonly string[];
  readonly routes: readonly ServiceRoute[];
  /** What of it names nothing on the shared port, and why. */
  readonly problems: readonly string[];
}

const withoutHttp = ['TCP', 'UDP', 'TLS'];

/** Trims a Gateway. */
export function trimGateway({ metadata, spec }: Gateway): GatewayInfo {
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    className: spec?.gatewayClassName ?? '',
    listeners: (spec?.listeners ?? [])
      .filter(({ protocol = 'HTTP' }) => !withoutHttp.includes(protocol))
      .map(({ name, port, hostname = '' }) => ({
        name,
        port,
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
): HostedRoute {
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
    services: route.services,
    hosts,
    routes: routesOn(hosts, route.paths),
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
