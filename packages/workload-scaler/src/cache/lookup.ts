import { ownSelector, selectsPodsOf } from '../routing/routing.ts';
import { isOurs, resourceLabel, type SliceInfo } from '../routing/slices.ts';
import { keys } from '../workload/keys.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload } from '../workload/workload.ts';
import type { WorkloadKind } from '../workload/kind.ts';
import type { ResourceRef } from '@scaler/scaler-types';
import { type SettingsRead, createSettingsReader } from '../config/settings.ts';
import { type Classes, createClasses } from '../hosts/classes.ts';
import { type HostedRoute, hostedRoute } from '../hosts/http-route.ts';
import type { IngressInfo } from '../hosts/ingress.ts';
import type { Namespaces } from './namespaces.ts';
import type { Options } from '../config/options.ts';
import { mostServices } from '../machine/divertible.ts';
import { candidatePairs, pairsOf, type Stores } from './stores.ts';
import type { TargetGroupInfo } from '../hosts/target-group.ts';

/** A workload with its kind and what its annotations ask for. */
export interface Managed extends SettingsRead {
  readonly kind: WorkloadKind;
  readonly workload: Workload;
}

export interface LookupParts {
  readonly stores: Stores;
  readonly options: Options;
  readonly namespaces: Pick<Namespaces, 'get'>;
  /** Every workload is as if its annotations said so. */
  readonly dryRun: boolean;
}

/** Finds what belongs together, in the stores. */
export function createLookup({ stores, options, namespaces, dryRun }: LookupParts) {
  const { ingressClasses, gatewayClasses } = stores;
  const classes = createClasses({ ingressClasses, gatewayClasses, accepted: options.ingressClasses });
  const read = createSettingsReader(options, dryRun);
  const describe = (kind: WorkloadKind, workload: Workload): Managed => {
    const { settings, problems } = read(
      workload.namespace,
      workload.annotations,
      namespaces.get(workload.namespace)?.defaults,
    );
    return { kind, workload, problems, settings };
  };
  const managed = ({ namespace, name }: ResourceRef): Managed | undefined => {
    const found = stores.workloads.flatMap(({ kind, store }) => {
      const workload = store.get(namespace, name);
      return workload === undefined ? [] : [describe(kind, workload)];
    });
    return found.find(({ workload }) => isEnabled(workload)) ?? found[0];
  };
  const slicesOf = (namespace: string, service: string): readonly SliceInfo[] =>
    stores.slices.byIndex('service', `${namespace}/${service}`).filter(isOurs);
  const workloadsBehind = (service: ServiceInfo): Workload[] =>
    stores.workloads.flatMap((one) => {
      const found = candidatePairs(service, [one]).flatMap((pair) => one.store.byIndex('label', pair));
      return [...new Set(found)].filter((workload) => selectsPodsOf(service, workload));
    });

  return {
    /** Where kinds share a name, the first that is opted in. */
    managed,
    /** With settings, for a workload that was read live. */
    describe,
    all: (): readonly Managed[] =>
      stores.workloads.flatMap(({ kind, store }) => store.list().map((workload) => describe(kind, workload))),
    /** The Services that lead to a workload, whether they can be diverted or not. */
    servicesOf: (one: Managed): readonly ServiceInfo[] => servicesOf(stores, one),
    /** Services of the namespace that carry something of ours for this resource, but do not lead to it. Names: they may be gone. */
    straysOf: (ref: ResourceRef, own: readonly ServiceInfo[]): readonly string[] =>
      straysOf(stores, workloadsBehind, ref, own),
    /** Our slices of a Service. */
    slicesOf,
    /** Managed workloads whose pods a Service selects. */
    workloadsBehind,
    ingressesOf: (namespace: string, service: string): readonly IngressInfo[] =>
      stores.ingresses.byIndex('service', `${namespace}/${service}`),
    /** Those that name one of these Services of the workload, or one of its `scaler/hosts`, and count on the shared port. */
    acceptedIngresses: (one: Managed, services: readonly ServiceInfo[]): readonly IngressInfo[] =>
      ingressesFor(stores, one, services).filter((ingress) => classes.ingressProblem(ingress) === undefined),
    /** Why an Ingress does not count there. */
    classes,
    targetGroupsOf: (namespace: string, service: string): readonly TargetGroupInfo[] =>
      stores.targetGroups.flatMap((store) => store.byIndex('service', `${namespace}/${service}`)),
    /** The HTTPRoutes that name one of these Services of the workload, or may reach one of its `scaler/hosts`. */
    httpRoutesOf: (one: Managed, services: readonly ServiceInfo[]): readonly HostedRoute[] =>
      httpRoutesOf(stores, classes, one, services),
    /** The resources that a change of a Service may concern, strays included. */
    resourcesOf: (service: ServiceInfo): readonly ResourceRef[] => {
      const { namespace, name } = service;
      const behind = workloadsBehind(service).map((workload) => workload.name);
      const carried = slicesOf(namespace, name).map(({ resource }) => resource ?? name);
      const named = stores.workloads
        .flatMap(({ store }) => store.byIndex('named', `${namespace}/${name}`))
        .map((workload) => workload.name);
      const loose = keyOf(service) !== undefined && behind.length === 0 && carried.length === 0 ? [name] : [];
      return [...new Set([...behind, ...carried, ...named, ...loose])].map((resource) => ({
        namespace,
        name: resource,
      }));
    },
    /** Every resource, and every name under which something of ours is left. */
    refs: (): readonly ResourceRef[] => refs(stores, workloadsBehind),
  };
}

export type Lookup = ReturnType<typeof createLookup>;

/** Whether the user has opted it in. */
export function isEnabled(workload: Workload): boolean {
  return workload.labels[keys.enabled] === 'true';
}

/** Whether a Service leads to a workload, by its settings and labels. */
export function leadsTo(service: ServiceInfo, { workload, settings }: Managed): boolean {
  const meant = settings.services === undefined || settings.services.includes(service.name);
  return meant && selectsPodsOf(service, workload);
}

function servicesOf(stores: Stores, managed: Managed): readonly ServiceInfo[] {
  const { namespace, templateLabels } = managed.workload;
  const candidates = pairsOf(namespace, templateLabels).flatMap((pair) => stores.services.byIndex('selector', pair));
  const leading = [...new Set(candidates)].filter((service) => leadsTo(service, managed)).sort(byName);
  if (leading.length < mostServices) return leading;
  // What is diverted already goes first: it has to be woken for, and handed back.
  const [diverted, others] = [leading.filter(isDiverted), leading.filter((service) => !isDiverted(service))];
  return [...diverted, ...others].slice(0, mostServices).sort(byName);
}

function isDiverted(service: ServiceInfo): boolean {
  return keyOf(service) !== undefined;
}

function byName(a: ServiceInfo, b: ServiceInfo): number {
  return a.name < b.name ? -1 : 1;
}

function ingressesFor(
  { ingresses }: Stores,
  { workload: { namespace }, settings }: Managed,
  services: readonly ServiceInfo[],
): readonly IngressInfo[] {
  const byService = services.flatMap(({ name }) => ingresses.byIndex('service', `${namespace}/${name}`));
  const byHost = settings.hosts.flatMap((host) =>
    claimsOn(host).flatMap((claim) => ingresses.byIndex('host', `${namespace}/${claim}`)),
  );
  return [...new Set([...byService, ...byHost])];
}

/** The hosts that stand for this one: itself, and `*.` of all above it. */
function claimsOn(host: string): readonly string[] {
  const claims = [host];
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) claims.push(`*${host.slice(dot)}`);
  return claims;
}

function httpRoutesOf(
  { httpRoutes, gateways }: Stores,
  classes: Classes,
  { workload: { namespace }, settings }: Managed,
  services: readonly ServiceInfo[],
): readonly HostedRoute[] {
  if (httpRoutes.size === 0) return [];
  const byService = services.flatMap(({ name }) => httpRoutes.byIndex('service', `${namespace}/${name}`));
  const claims = new Set(settings.hosts.flatMap(claimsOn));
  const byHost = claims.size === 0 ? [] : httpRoutes.byIndex('namespace', namespace);
  // Without hostnames it has those of its listeners.
  const reaching = byHost.filter(
    ({ hostnames }) => hostnames.length === 0 || hostnames.some((host) => claims.has(host)),
  );
  const found = [...byService, ...reaching];
  return [...new Set(found)].map((route) =>
    hostedRoute(
      route,
      (gateway) => {
        const [of, name = ''] = gateway.split('/');
        return gateways.get(of, name);
      },
      classes.isParent,
    ),
  );
}

type Behind = (service: ServiceInfo) => readonly Workload[];

function straysOf(stores: Stores, behind: Behind, ref: ResourceRef, own: readonly ServiceInfo[]): readonly string[] {
  const { namespace, name } = ref;
  const carried = stores.slices
    .byIndex('resource', `${namespace}/${resourceLabel(name)}`)
    .map(({ service }) => service);
  const workloads = stores.workloads.flatMap(({ store }) => store.get(namespace, name) ?? []);
  const selecting = workloads.flatMap((one) =>
    pairsOf(namespace, one.templateLabels).flatMap((pair) =>
      stores.services.byIndex('selector', pair).filter((service) => selectsPodsOf(service, one)),
    ),
  );
  // A key without a slice names no resource: where no workload is behind the Service, its own name answers for it.
  const namesake = stores.services.get(namespace, name);
  const loose = namesake !== undefined && behind(namesake).length === 0 ? [namesake] : [];
  const keyed = [...selecting, ...loose]
    .filter((service) => keyOf(service) !== undefined)
    .map((service) => service.name);
  const names = new Set([...carried, ...keyed]);
  for (const service of own) names.delete(service.name);
  // Each is read live. Those that are left have their turn once these are handed back.
  return [...names].sort().slice(0, mostServices);
}

function refs(stores: Stores, behind: Behind): readonly ResourceRef[] {
  const found = new Map<string, ResourceRef>();
  const add = (namespace: string, name: string): void => void found.set(`${namespace}/${name}`, { namespace, name });
  const labels = new Set<string>();
  for (const { store } of stores.workloads) {
    for (const { namespace, name } of store.list()) {
      add(namespace, name);
      labels.add(`${namespace}/${resourceLabel(name)}`);
    }
  }
  for (const { namespace, resource, service } of stores.slices.list()) {
    if (!labels.has(`${namespace}/${resource ?? ''}`)) add(namespace, resource ?? service);
  }
  // By what they select: where many Services select the same, so may many workloads be behind each.
  const lost = new Map<string, boolean>();
  for (const service of stores.services.list()) {
    if (keyOf(service) === undefined) continue;
    const selector = JSON.stringify([service.namespace, ownSelector(service)]);
    const isLost = lost.get(selector) ?? behind(service).length === 0;
    lost.set(selector, isLost);
    if (isLost) add(service.namespace, service.name);
  }
  return [...found.values()];
}

function keyOf(service: ServiceInfo): string | undefined {
  return service.selector?.[keys.asleep];
}
