import { ownSelector, selectsPodsOf } from '../routing/routing.ts';
import { isOurs, resourceLabel, type SliceInfo } from '../routing/slices.ts';
import { keys } from '../workload/keys.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { Workload } from '../workload/workload.ts';
import type { WorkloadKind } from '../workload/kind.ts';
import type { ResourceRef } from '@scaler/scaler-types';
import { type SettingsRead, createSettingsReader } from '../config/settings.ts';
import { type Classes, createClasses } from '../hosts/classes.ts';
import { type GatewayInfo, type HostedRoute, hostedRoute } from '../hosts/http-route.ts';
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
export class Lookup {
  /** Why an Ingress does not count on the shared port. */
  readonly classes: Classes;
  readonly #stores: Stores;
  readonly #namespaces: LookupParts['namespaces'];
  readonly #read: ReturnType<typeof createSettingsReader>;

  constructor({ stores, options, namespaces, dryRun }: LookupParts) {
    const { ingressClasses, gatewayClasses } = stores;
    this.classes = createClasses({ ingressClasses, gatewayClasses, accepted: options.ingressClasses });
    this.#stores = stores;
    this.#namespaces = namespaces;
    this.#read = createSettingsReader(options, dryRun);
  }

  /** Where kinds share a name, the first that is opted in. */
  managed({ namespace, name }: ResourceRef): Managed | undefined {
    const found = this.#stores.workloads.flatMap(({ kind, store }) => {
      const workload = store.get(namespace, name);
      return workload === undefined ? [] : [this.describe(kind, workload)];
    });
    return found.find(({ workload }) => isEnabled(workload)) ?? found[0];
  }

  all(): readonly Managed[] {
    return this.#stores.workloads.flatMap(({ kind, store }) => store.list().map((one) => this.describe(kind, one)));
  }

  /** With settings, for a workload that was read live. */
  describe(kind: WorkloadKind, workload: Workload): Managed {
    const { namespace, annotations } = workload;
    const { settings, problems } = this.#read(namespace, annotations, this.#namespaces.get(namespace)?.defaults);
    return { kind, workload, problems, settings };
  }

  /** The Services that lead to a workload, whether they can be diverted or not. */
  servicesOf(managed: Managed): readonly ServiceInfo[] {
    const leading = this.#candidates(managed.workload)
      .filter((service) => leadsTo(service, managed))
      .sort(byName);
    if (leading.length < mostServices) return leading;
    // What is diverted already goes first: it has to be woken for, and handed back.
    const [diverted, others] = [leading.filter(isMarked), leading.filter((service) => !isMarked(service))];
    return [...diverted, ...others].slice(0, mostServices).sort(byName);
  }

  /** Each once: those that may select it. */
  #candidates({ namespace, templateLabels }: Workload): readonly ServiceInfo[] {
    const { services } = this.#stores;
    return [...new Set(pairsOf(namespace, templateLabels).flatMap((pair) => services.byIndex('selector', pair)))];
  }

  /** Services of the namespace that carry something of ours for this resource, but do not lead to it. Names: they may be gone. */
  straysOf({ namespace, name }: ResourceRef, own: readonly ServiceInfo[]): readonly string[] {
    const { slices, services, workloads } = this.#stores;
    const carried = slices.byIndex('resource', `${namespace}/${resourceLabel(name)}`).map(({ service }) => service);
    const named = workloads.flatMap(({ store }) => store.get(namespace, name) ?? []);
    const selecting = named.flatMap((one) =>
      this.#candidates(one).filter((service) => isMarked(service) && selectsPodsOf(service, one)),
    );
    // A key without a slice names no resource: where no workload is behind the Service, its own name answers for it.
    const namesake = services.get(namespace, name);
    const loose = namesake !== undefined && isMarked(namesake) && this.workloadsBehind(namesake).length === 0;
    const keyed = [...selecting, ...(loose ? [namesake] : [])].map((service) => service.name);
    const names = new Set([...carried, ...keyed]);
    for (const service of own) names.delete(service.name);
    // Each is read live. Those that are left have their turn once these are handed back.
    return [...names].sort().slice(0, mostServices);
  }

  /** Our slices of a Service. */
  slicesOf(namespace: string, service: string): readonly SliceInfo[] {
    return this.#stores.slices.byIndex('service', `${namespace}/${service}`).filter(isOurs);
  }

  /** Managed workloads whose pods a Service selects. */
  workloadsBehind(service: ServiceInfo): readonly Workload[] {
    return this.#stores.workloads.flatMap((one) => {
      const found = candidatePairs(service, [one]).flatMap((pair) => one.store.byIndex('label', pair));
      return [...new Set(found)].filter((workload) => selectsPodsOf(service, workload));
    });
  }

  ingressesOf({ namespace, name }: ServiceInfo): readonly IngressInfo[] {
    return this.#stores.ingresses.byIndex('service', `${namespace}/${name}`);
  }

  /** Those that name one of these Services of the workload, or one of its `scaler/hosts`, and count on the shared port. */
  acceptedIngresses({ workload, settings }: Managed, services: readonly ServiceInfo[]): readonly IngressInfo[] {
    const claims = settings.hosts.flatMap(claimsOn).map((claim) => `${workload.namespace}/${claim}`);
    const byHost = claims.flatMap((claim) => this.#stores.ingresses.byIndex('host', claim));
    const found = new Set([...services.flatMap((service) => this.ingressesOf(service)), ...byHost]);
    return [...found].filter((ingress) => this.classes.ingressProblem(ingress) === undefined);
  }

  targetGroupsOf({ namespace, name }: ServiceInfo): readonly TargetGroupInfo[] {
    return this.#stores.targetGroups.flatMap((store) => store.byIndex('service', `${namespace}/${name}`));
  }

  /** The HTTPRoutes that name one of these Services of the workload, or may reach one of its `scaler/hosts`. */
  httpRoutesOf({ workload, settings }: Managed, services: readonly ServiceInfo[]): readonly HostedRoute[] {
    const { httpRoutes, gateways } = this.#stores;
    const { namespace } = workload;
    if (httpRoutes.size === 0) return [];
    const byService = services.flatMap(({ name }) => httpRoutes.byIndex('service', `${namespace}/${name}`));
    const claims = new Set(settings.hosts.flatMap(claimsOn));
    const byHost = claims.size === 0 ? [] : httpRoutes.byIndex('namespace', namespace);
    // Without hostnames it has those of its listeners.
    const reaching = byHost.filter(
      ({ hostnames }) => hostnames.length === 0 || hostnames.some((host) => claims.has(host)),
    );
    const gatewayOf = (gateway: string): GatewayInfo | undefined => {
      const [of, name = ''] = gateway.split('/');
      return gateways.get(of, name);
    };
    const found = new Set([...byService, ...reaching]);
    return [...found].map((route) => hostedRoute(route, gatewayOf, this.classes.isParent));
  }

  /** The resources that a change of a Service may concern, strays included. */
  resourcesOf(service: ServiceInfo): readonly ResourceRef[] {
    const { namespace, name } = service;
    const behind = this.workloadsBehind(service).map((workload) => workload.name);
    const carried = this.slicesOf(namespace, name).map(({ resource }) => resource ?? name);
    const named = this.#stores.workloads
      .flatMap(({ store }) => store.byIndex('named', `${namespace}/${name}`))
      .map((workload) => workload.name);
    const loose = isMarked(service) && behind.length === 0 && carried.length === 0 ? [name] : [];
    return [...new Set([...behind, ...carried, ...named, ...loose])].map((resource) => ({ namespace, name: resource }));
  }

  /** Every resource, and every name under which something of ours is left. */
  refs(): readonly ResourceRef[] {
    const { workloads, slices, services } = this.#stores;
    const found = new Map<string, ResourceRef>();
    const add = (namespace: string, name: string): void => void found.set(`${namespace}/${name}`, { namespace, name });
    const labels = new Set<string>();
    for (const { namespace, name } of workloads.flatMap(({ store }) => store.list())) {
      add(namespace, name);
      labels.add(`${namespace}/${resourceLabel(name)}`);
    }
    for (const { namespace, resource, service } of slices.list()) {
      if (!labels.has(`${namespace}/${resource ?? ''}`)) add(namespace, resource ?? service);
    }
    // By what they select: where many Services select the same, so may many workloads be behind each.
    const lost = new Map<string, boolean>();
    for (const service of services.list().filter(isMarked)) {
      const selector = JSON.stringify([service.namespace, ownSelector(service)]);
      const isLost = lost.get(selector) ?? this.workloadsBehind(service).length === 0;
      lost.set(selector, isLost);
      if (isLost) add(service.namespace, service.name);
    }
    return [...found.values()];
  }
}

/** Whether the user has opted it in. */
export function isEnabled(workload: Workload): boolean {
  return workload.labels[keys.enabled] === 'true';
}

/** Whether a Service leads to a workload, by its settings and labels. */
export function leadsTo(service: ServiceInfo, { workload, settings }: Managed): boolean {
  const meant = settings.services === undefined || settings.services.includes(service.name);
  return meant && selectsPodsOf(service, workload);
}

// It carries our key, or what was written in its place.
function isMarked({ selector, touched }: ServiceInfo): boolean {
  return selector?.[keys.asleep] !== undefined || touched;
}

function byName(a: ServiceInfo, b: ServiceInfo): number {
  return a.name < b.name ? -1 : 1;
}

/** The hosts that stand for this one: itself, and `*.` of all above it. */
export function claimsOn(host: string): readonly string[] {
  const claims = [host];
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) claims.push(`*${host.slice(dot)}`);
  return claims;
}
