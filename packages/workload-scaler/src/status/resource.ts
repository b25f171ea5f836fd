import { keys } from '../workload/keys.ts';
import { ledPorts, listenPortOf } from '../ports/port-label.ts';
import { readToken } from '../workload/token.ts';
import { type ServiceInfo, tcpPortsOf } from '../routing/service-info.ts';
import type { SliceInfo } from '../routing/slices.ts';
import type { Phase, Resource, Route, ScaleEvent, TargetPort } from '@scaler/scaler-types';
import type { RoutingMode } from '../machine/facts.ts';
import type { HostedRoute } from '../hosts/http-route.ts';
import { type IngressInfo, mostRoutes } from '../hosts/ingress.ts';
import { claimsOn, type Managed } from '../cache/lookup.ts';
import type { Options } from '../config/options.ts';
import { protocolOf } from '../ports/protocol.ts';
import type { Settings } from '../config/settings.ts';

/** What a resource is made from. */
export interface ResourceFacts {
  readonly managed: Managed;
  /** Those that lead to it. */
  readonly services: readonly ServiceInfo[];
  /** Those that name one of its Services, or one of its `scaler/hosts`, and count on the shared port. */
  readonly ingresses: readonly IngressInfo[];
  /** Those that name one of its Services, or may reach one of its `scaler/hosts`. */
  readonly httpRoutes: readonly HostedRoute[];
  readonly mode: RoutingMode;
  /** Why it is not parked, whatever its metrics say. */
  readonly blocked: string | undefined;
  /** For how long every new connection has gone through the DLX, in milliseconds. */
  readonly divertedForMs: number;
  /** Our slices of a Service. Default: none. */
  readonly slicesOf?: ((service: string) => readonly SliceInfo[]) | undefined;
  /** When its specification was last seen to be changed by another client, on the wall clock. */
  readonly updatedMs: number | undefined;
}

/** The resource as the apps see it. Pure. */
export function resourceOf(facts: ResourceFacts, options: Options): Resource {
  const { managed, mode, divertedForMs, blocked } = facts;
  const { workload, settings } = managed;
  const { phase: known, state } = readToken(workload);
  const phase = known ?? (isUntouched(managed) ? 'awake' : undefined);
  return {
    namespace: workload.namespace,
    name: workload.name,
    kind: workload.resource,
    ...(workload.createdAt === '' ? {} : { createdAt: workload.createdAt }),
    scaleResources: settings.metrics,
    targets: targetPorts(facts, options),
    ...(phase === undefined ? {} : { phase }),
    replicas: workload.replicas,
    ...lastEventOf(facts),
    ...(phase === 'awake' && state !== undefined ? { awakeSince: new Date(state.since).toISOString() } : {}),
    ...(mode === 'always'
      ? { idleAfterMs: settings.idleAfterMs, dlxSeesAll: divertedForMs >= settings.idleAfterMs }
      : {}),
    ...optionalSettings(settings),
    ...(blocked === undefined ? {} : { blocked }),
  };
}

// Serving, and left as it was found: only a dry run leaves one so.
function isUntouched({ workload, settings }: Managed): boolean {
  return settings.dryRun && workload.replicas > 0 && workload.labels[keys.phase] === undefined;
}

/** Something of ours is left under this name, and no workload; only a reconcile concerns it. */
export function remnant(namespace: string, name: string): Resource {
  return {
    namespace,
    name,
    scaleResources: [],
    targets: [],
    blocked: 'its workload is gone, its Services are being restored',
  };
}

const optional = [
  'cooldownMs',
  'minAwakeMs',
  'pause',
  'busyUntil',
  'holdTimeoutMs',
  'connectTimeoutMs',
  'responseTimeoutMs',
  'idleTimeoutMs',
  'upstreamKeepAliveMs',
  'holdLimit',
] as const satisfies readonly (keyof Settings & keyof Resource)[];

function optionalSettings(settings: Settings): Partial<Resource> {
  const given = optional.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]] as const]));
  const { quiet, dryRun } = settings;
  return {
    ...Object.fromEntries(given),
    ...(dryRun ? { dryRun } : {}),
    ...(quiet.length === 0 ? {} : { quietRules: quiet }),
  };
}

const events: Readonly<Record<Phase, ScaleEvent>> = {
  awake: 'scaleFromZeroCompleted',
  parking: 'scaleToZeroStarted',
  asleep: 'scaleToZeroCompleted',
  waking: 'scaleFromZeroStarted',
};

function lastEventOf({ managed, updatedMs = -Infinity }: ResourceFacts): Partial<Resource> {
  const { phase, state } = readToken(managed.workload);
  if (phase === undefined || state === undefined) return {};
  const sinceMs = Date.parse(state.since);
  return {
    lastScaleEvent: phase === 'awake' && updatedMs > sinceMs ? 'resourceUpdated' : lastEvent(phase, state.reason),
    lastScaleEventTime: new Date(phase === 'awake' ? Math.max(sinceMs, updatedMs) : sinceMs).toISOString(),
  };
}

function lastEvent(phase: Phase, reason: string): ScaleEvent {
  return phase === 'awake' && reason.startsWith('adopted') ? 'resourceUpdated' : events[phase];
}

function targetPorts(facts: ResourceFacts, options: Options): readonly TargetPort[] {
  const { managed, services } = facts;
  const routes = routesOf(facts);
  const targets = services.flatMap((service) => {
    const leads = ledPorts(service, managed.workload.name, facts.slicesOf?.(service.name) ?? [], options.portRange);
    return tcpPortsOf(service).map((servicePort): TargetPort => {
      const { name, port } = servicePort;
      const { tcpPorts, proxyProtocol } = managed.settings;
      const protocol = protocolOf(servicePort, tcpPorts);
      const listenPort = listenPortOf(managed.workload, service.name, port, options.portRange);
      const own = routes.to(service.name, port, name);
      const led = leads.get(name ?? '');
      return {
        service: service.name,
        port,
        ...(name === undefined ? {} : { portName: name }),
        ...(listenPort === undefined ? {} : { listenPort }),
        ...(led === undefined ? {} : { led: { port: led.port, ...(led.since === '' ? {} : { since: led.since }) } }),
        ...declared(own),
        ...protocol,
        ...(service.clientAffinity ? { clientAffinity: true } : {}),
        ...(proxyProtocol === undefined || protocol.protocol === 'http' ? {} : { proxyProtocol }),
      };
    });
  });
  const main = mainTarget(targets);
  const { allowed } = hostsOf(facts, options);
  // A copy: what flatMap makes has room for 17, and this is kept for each sleeper.
  if (main === undefined || allowed.length === 0) return [...targets];
  const all = [...(main.routes ?? []), ...allowed.map((host) => ({ host }))];
  return targets.map((target) => (target === main ? { ...target, routes: all } : target));
}

interface Routes {
  to(service: string, port: number, portName: string | undefined): readonly Dated[];
}

interface Dated {
  readonly at: number;
  readonly route: Route;
  readonly since: string | undefined;
}

function declared(found: readonly Dated[]): Pick<TargetPort, 'routes' | 'routesSince'> {
  if (found.length === 0) return {};
  const routes = found.map(({ route }) => route);
  if (found.every(({ since }) => since === undefined)) return { routes };
  return { routes, routesSince: found.map(({ since = '' }) => since) };
}

/** The routes to the resource's Services, by what they lead to: there may be thousands, and as many ports. */
function routesOf({ ingresses, httpRoutes, services }: ResourceFacts): Routes {
  const own = new Set(services.map(({ name }) => name));
  const byTarget = new Map<string, Dated[]>();
  let at = 0;
  for (const { routes } of [...ingresses, ...httpRoutes]) {
    for (const { service, port, host, path, pathType, ambiguous, since } of routes) {
      if (!own.has(service) || at >= mostRoutes) continue;
      const route = {
        host,
        ...(path === undefined ? {} : { path }),
        ...(pathType === undefined ? {} : { pathType }),
        ...(ambiguous === undefined ? {} : { ambiguous }),
      };
      const key = targetKey(service, port);
      const known = byTarget.get(key);
      if (known === undefined) byTarget.set(key, [{ at, route, since }]);
      else known.push({ at, route, since });
      at += 1;
    }
  }
  const none: Dated[] = [];
  return {
    to: (service, port, portName) => {
      if (at === 0) return [];
      const keys = new Set([undefined, port, portName].map((one) => targetKey(service, one)));
      const found = [...keys].flatMap((key) => byTarget.get(key) ?? none);
      return found.sort((a, b) => a.at - b.at);
    },
  };
}

function targetKey(service: string, port: number | string | undefined): string {
  return `${service} ${port === undefined ? '' : `${typeof port} ${port}`}`;
}

// What `scaler/hosts` leads to: the port that looks most like a web server's.
function mainTarget(targets: readonly TargetPort[]): TargetPort | undefined {
  return targets.find(({ portName }) => portName === 'http') ?? targets.find(({ port }) => port === 80) ?? targets[0];
}

/** `scaler/hosts`, parted by whether its namespace has a claim to them: annotations are tenants' input. */
export function hostsOf(
  { managed, ingresses, httpRoutes }: Pick<ResourceFacts, 'managed' | 'ingresses' | 'httpRoutes'>,
  { allowHosts }: Options,
): { readonly allowed: readonly string[]; readonly refused: readonly string[] } {
  const { hosts } = managed.settings;
  if (hosts.length === 0) return { allowed: [], refused: [] };
  const claims = new Set([...allowHosts, ...ingresses.flatMap(({ routes }) => routes.map(({ host }) => host))]);
  const reached = new Set(httpRoutes.flatMap((route) => route.hosts));
  // As Gateway API means it, `*.` is any depth.
  const isAllowed = (host: string): boolean =>
    isCovered(host, claims) || claimsOn(host).some((claim) => reached.has(claim));
  const allowed = hosts.filter(isAllowed);
  const known = new Set(allowed);
  return { allowed, refused: hosts.filter((host) => !known.has(host)) };
}

// `*.example.com` covers one label, as in an Ingress; it covers itself, too.
function isCovered(host: string, claims: ReadonlySet<string>): boolean {
  if (claims.has(host)) return true;
  const dot = host.indexOf('.');
  return dot !== -1 && !host.startsWith('*.') && claims.has(`*${host.slice(dot)}`);
}
