import { isCopied } from '../workload/token.ts';
import { type Kind, kinds, type KubeClient, type KubeObject, type Store, watchStore } from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import { ownSelector } from '../routing/routing.ts';
import { ourSlices, type SliceInfo, trimSlice } from '../routing/slices.ts';
import { type PodInfo, type ReplicaSetInfo, trimPod, trimReplicaSet } from '../endpoints/pod-info.ts';
import { type ServiceInfo, trimService } from '../routing/service-info.ts';
import { type Workload, workloadTrimmer } from '../workload/workload.ts';
import type { WorkloadKind, WorkloadKinds } from '../workload/kind.ts';
import type { Logger, ScalerContext } from '@scaler/scaler-types';
import { type ClassInfo, trimClass } from '../hosts/classes.ts';
import { type GatewayInfo, trimGateway, type HttpRouteInfo, trimHttpRoute } from '../hosts/http-route.ts';
import { type IngressInfo, trimIngress } from '../hosts/ingress.ts';
import { type TargetGroupInfo, targetGroupKinds, trimTargetGroup } from '../hosts/target-group.ts';
import { longestList, mostItems } from '../config/past-bound.ts';
import { parseList } from '../config/values.ts';

/** One watch on workloads of one kind. */
export interface WorkloadStore {
  readonly kind: WorkloadKind;
  readonly store: Store<Workload>;
}

/** Whether the watch does not work at the moment. */
export function isBroken(one: WorkloadStore): boolean {
  return one.store.failures.length > 0 && !isMissing(one);
}

/** Whether the kind is not installed: that there are no objects of it is all there is to know. */
export function isMissing({ kind, store: { failures } }: WorkloadStore): boolean {
  return kind.optional === true && failures.length > 0 && failures.every(({ error }) => error.code === 'not-found');
}

/** What this process knows of the cluster, kept true by watches. */
export interface Stores {
  /** Opted in, and those which are not any more but still carry our labels. */
  readonly workloads: readonly WorkloadStore[];
  readonly services: Store<ServiceInfo>;
  readonly ingresses: Store<IngressInfo>;
  /** Empty where Gateway API is not installed. */
  readonly httpRoutes: Store<HttpRouteInfo>;
  /** Empty where they must not be read, and `gatewayClasses` where Gateway API is not installed. */
  readonly ingressClasses: Store<ClassInfo>;
  readonly gatewayClasses: Store<ClassInfo>;
  /** Those that may be read: with a list of namespaces, theirs alone. */
  readonly gateways: Store<GatewayInfo>;
  readonly pods: Store<PodInfo>;
  readonly replicaSets: Store<ReplicaSetInfo>;
  /** Ours alone; in the DLX without endpoints, only for where they lead. */
  readonly slices: Store<SliceInfo>;
  /** Empty where there is no controller of AWS. None in the DLX, which has nothing to do with them. */
  readonly targetGroups: readonly Store<TargetGroupInfo>[];
  run(signal: AbortSignal): Promise<void>;
  whenSynced(signal: AbortSignal): Promise<void>;
}

const optedIn = `${keys.enabled}=true`;
// Opted out while something of ours is left: it must still wake, until the Lease holder has handed it back.
const leftOver = `${keys.phase},${keys.enabled}!=true`;

export function createStores(client: KubeClient, context: ScalerContext, managed: WorkloadKinds): Stores {
  const { namespaces, clock } = context;
  const logger = context.logger.child({ part: 'stores' });
  const store = <T extends KubeObject, U>(kind: Kind<T>, trim: (object: T) => U, labelSelector?: string): Store<U> =>
    watchStore({ client, kind, namespaces, labelSelector, trim, clock, logger });

  const optional = <T extends KubeObject, U>(kind: Kind<T>, trim: (object: T) => U): Store<U> =>
    watchStore({ client, kind, namespaces, trim, clock, logger, optional: true });

  const workloads = managed.flatMap((kind) =>
    [optedIn, leftOver].map((selector) => ({ kind, store: workloadStore(client, context, kind, selector) })),
  );
  const services = store(kinds.service, trimService);
  const ingresses = store(kinds.ingress, trimIngress);
  const httpRoutes = optional(kinds.httpRoute, trimHttpRoute);
  const gateways = optional(kinds.gateway, trimGateway);
  const classes = <T extends KubeObject>(kind: Kind<T>, trim: (object: T) => ClassInfo): Store<ClassInfo> =>
    watchStore({ client, kind, trim, clock, logger, optional: true });
  const ingressClasses = classes(kinds.ingressClass, trimClass);
  const gatewayClasses = classes(kinds.gatewayClass, trimClass);
  const pods = store(kinds.pod, trimPod);
  const replicaSets = store(kinds.replicaSet, trimReplicaSet);
  const slices = store(kinds.endpointSlice, context.role === 'autoscaler' ? trimSlice : trimLeading, ourSlices);
  const targetGroups =
    context.role === 'autoscaler' ? targetGroupKinds.map((kind) => optional(kind, trimTargetGroup)) : [];
  addIndexes({ workloads, services, ingresses, httpRoutes, pods, replicaSets, slices, targetGroups }, context.role);

  const all: readonly Store<unknown>[] = [
    ...workloads.map(({ store: one }) => one),
    ...[services, ingresses, httpRoutes, gateways, ingressClasses, gatewayClasses, pods, replicaSets, slices],
    ...targetGroups,
  ];
  const mayMiss: readonly MayMiss[] = [
    [kinds.httpRoute, httpRoutes],
    [kinds.gateway, gateways],
    [kinds.ingressClass, ingressClasses],
    [kinds.gatewayClass, gatewayClasses],
    ...targetGroups.map((one, i): MayMiss => [targetGroupKinds[i] as Kind, one]),
  ];
  return {
    ...{
      workloads,
      services,
      ingresses,
      httpRoutes,
      gateways,
      ingressClasses,
      gatewayClasses,
      pods,
      replicaSets,
      slices,
      targetGroups,
    },
    run: async (signal) => {
      await Promise.all([...all.map((one) => one.run(signal)), logMissing(mayMiss, logger, signal)]);
    },
    whenSynced: async (signal) => {
      await Promise.all(all.map((one) => one.whenSynced(signal)));
    },
  };
}

function workloadStore(
  client: KubeClient,
  { namespaces, clock, logger }: ScalerContext,
  workloadKind: WorkloadKind,
  labelSelector: string,
): Store<Workload> {
  const { kind, optional } = workloadKind;
  const trim = workloadTrimmer(workloadKind);
  const stored = { client, kind, namespaces, labelSelector, trim, clock, logger: logger.child({ part: 'stores' }) };
  return watchStore({ ...stored, optional });
}

type MayMiss = readonly [Kind, Store<unknown>];

// In most clusters it is most of them: one line for all.
async function logMissing(kindsThatMay: readonly MayMiss[], logger: Logger, signal: AbortSignal): Promise<void> {
  try {
    await Promise.all(kindsThatMay.map(([, store]) => store.whenSynced(signal)));
  } catch {
    return;
  }
  const missing = kindsThatMay
    .filter(([, { failures }]) => failures.some(({ error }) => error.code === 'not-found'))
    .map(([{ plural, group }]) => `${plural}.${group}`);
  if (missing.length > 0) logger.info('Kinds are not installed, so nothing of them is known', { kinds: missing });
}

type Indexed = Omit<Stores, 'run' | 'whenSynced' | 'gateways' | 'ingressClasses' | 'gatewayClasses'>;

export function addIndexes(stores: Indexed, role: ScalerContext['role']): void {
  const { workloads, services, ingresses, httpRoutes, pods, replicaSets, slices, targetGroups } = stores;
  for (const { store } of workloads) {
    store.addIndex('label', ({ namespace, templateLabels }) => pairsOf(namespace, templateLabels));
    // The DLX hands out no ports.
    if (role === 'autoscaler') store.addIndex('port', listenPortsOf);
    store.addIndex('hosts', ({ namespace, annotations }) =>
      annotations['scaler/hosts'] === undefined ? [] : [namespace],
    );
    store.addIndex('named', ({ namespace, annotations }) =>
      parseList((annotations['scaler/services'] ?? '').slice(0, longestList))
        .slice(0, mostItems.services)
        .map((service) => `${namespace}/${service}`),
    );
  }
  pods.addIndex('owner', ({ ownerUid }) => [ownerUid ?? '']);
  pods.addIndex('label', ({ namespace, labels }) => pairsOf(namespace, labels));
  replicaSets.addIndex('owner', ({ ownerUid }) => [ownerUid ?? '']);
  replicaSets.addIndex('uid', ({ uid }) => [uid]);
  services.addIndex('selector', (service) => candidatePairs(service, workloads));
  ingresses.addIndex('host', ({ namespace, routes }) =>
    [...new Set(routes.map(({ host }) => host))].map((host) => `${namespace}/${host}`),
  );
  ingresses.addIndex('service', ({ namespace, services: named }) => named.map((name) => `${namespace}/${name}`));
  httpRoutes.addIndex('namespace', ({ namespace }) => [namespace]);
  httpRoutes.addIndex('service', ({ namespace, services: named }) => named.map((name) => `${namespace}/${name}`));
  httpRoutes.addIndex('gateway', ({ parents }) => parents.flatMap(({ gateway }) => gateway ?? []));
  slices.addIndex('service', ({ namespace, service }) => [`${namespace}/${service}`]);
  for (const store of targetGroups) store.addIndex('service', ({ namespace, service }) => [`${namespace}/${service}`]);
  slices.addIndex('resource', ({ namespace, resource }) => [`${namespace}/${resource ?? ''}`]);
}

// Addresses come and go with the DLX's pods: of thousands of slices only the ports are of use to it.
function trimLeading(slice: Parameters<typeof trimSlice>[0]): SliceInfo {
  return { ...trimSlice({ ...slice, endpoints: [] }), uid: '', resourceVersion: '' };
}

/** Index keys of labels. */
export function pairsOf(namespace: string, labels: Readonly<Record<string, string>>): string[] {
  // Joined, each is one string; a template would keep its parts beside it, in the indexes.
  return Object.entries(labels).map(([key, value]) => [namespace, '/', key, '=', value].join(''));
}

/** Every pod that a Service selects has this label among others; one is enough to find candidates. */
export function firstPair(service: ServiceInfo): string[] {
  return pairsOf(service.namespace, ownSelector(service)).sort().slice(0, 1);
}

/** Index keys of labels by which the workloads of these kinds are found that a Service may lead to, and it by them. */
export function candidatePairs(service: ServiceInfo, workloads: readonly Pick<WorkloadStore, 'kind'>[]): string[] {
  // Of such a kind the controller may have given its pods the first.
  const mayAdd = workloads.some(({ kind: { pods } }) => pods === 'selected');
  return mayAdd ? pairsOf(service.namespace, ownSelector(service)) : firstPair(service);
}

/** The DLX ports that a workload's labels claim; those that were written for another object claim nothing. */
export function listenPortsOf(workload: Pick<Workload, 'portLabels' | 'uid' | 'annotations'>): string[] {
  return isCopied(workload) ? [] : workload.portLabels.map(({ value }) => value);
}
