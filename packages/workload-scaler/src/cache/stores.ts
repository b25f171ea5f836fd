import { isCopied } from '../workload/token.ts';
import { type Kind, kinds, type KubeClient, type KubeObject, type Store, watchStore } from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import { ownSelector } from '../routing/routing.ts';
import { ourSlices, type SliceInfo, trimSlice } from '../routing/slices.ts';
import { trimPod, trimReplicaSet } from '../endpoints/pod-info.ts';
import { type ServiceInfo, trimService } from '../routing/service-info.ts';
import { type Workload, workloadTrimmer } from '../workload/workload.ts';
import type { WorkloadKind, WorkloadKinds } from '../workload/kind.ts';
import type { Logger, ScalerContext } from '@scaler/scaler-types';
import { trimClass } from '../hosts/classes.ts';
import { trimGateway, trimHttpRoute } from '../hosts/http-route.ts';
import { trimIngress } from '../hosts/ingress.ts';
import { targetGroupKinds, trimTargetGroup } from '../hosts/target-group.ts';
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

const optedIn = `${keys.enabled}=true`;
// Opted out while something of ours is left: it must still wake, until the Lease holder has handed it back.
const leftOver = `${keys.phase},${keys.enabled}!=true`;

interface Watched {
  readonly labelSelector?: string;
  readonly optional?: boolean | undefined;
  /** Undefined: of the cluster. */
  readonly namespaces?: readonly string[] | undefined;
}

export type Stores = ReturnType<typeof createStores>;

/** What this process knows of the cluster, kept true by watches. */
export function createStores(client: KubeClient, context: ScalerContext, managed: WorkloadKinds) {
  const { namespaces, clock, role } = context;
  const logger = context.logger.child({ part: 'stores' });
  const store = <T extends KubeObject, U>(kind: Kind<T>, trim: (object: T) => U, more: Watched = {}): Store<U> =>
    watchStore({ client, kind, namespaces, trim, clock, logger, ...more });
  const optional = { optional: true };
  const ofCluster = { optional: true, namespaces: undefined };

  const stores = {
    /** Opted in, and those which are not any more but still carry our labels. */
    workloads: managed.flatMap((one) =>
      [optedIn, leftOver].map((labelSelector): WorkloadStore => {
        const selected = { labelSelector, optional: one.optional };
        return { kind: one, store: store(one.kind, workloadTrimmer(one), selected) };
      }),
    ),
    services: store(kinds.service, trimService),
    ingresses: store(kinds.ingress, trimIngress),
    /** Empty where Gateway API is not installed. */
    httpRoutes: store(kinds.httpRoute, trimHttpRoute, optional),
    /** Those that may be read: with a list of namespaces, theirs alone. */
    gateways: store(kinds.gateway, trimGateway, optional),
    /** Empty where they must not be read, and `gatewayClasses` where Gateway API is not installed. */
    ingressClasses: store(kinds.ingressClass, trimClass, ofCluster),
    gatewayClasses: store(kinds.gatewayClass, trimClass, ofCluster),
    pods: store(kinds.pod, trimPod),
    replicaSets: store(kinds.replicaSet, trimReplicaSet),
    /** Ours alone; in the DLX without endpoints, only for where they lead. */
    slices: store(kinds.endpointSlice, role === 'autoscaler' ? trimSlice : trimLeading, { labelSelector: ourSlices }),
    /** Empty where there is no controller of AWS. None in the DLX, which has nothing to do with them. */
    targetGroups: role === 'autoscaler' ? targetGroupKinds.map((kind) => store(kind, trimTargetGroup, optional)) : [],
  };
  addIndexes(stores, role);

  const { workloads, targetGroups, ...single } = stores;
  const all: readonly Store<unknown>[] = [
    ...workloads.map((one) => one.store),
    ...Object.values(single),
    ...targetGroups,
  ];
  const mayMiss: readonly MayMiss[] = [
    [kinds.httpRoute, stores.httpRoutes],
    [kinds.gateway, stores.gateways],
    [kinds.ingressClass, stores.ingressClasses],
    [kinds.gatewayClass, stores.gatewayClasses],
    ...targetGroups.map((one, i): MayMiss => [targetGroupKinds[i] as Kind, one]),
  ];
  return {
    ...stores,
    run: async (signal: AbortSignal): Promise<void> => {
      await Promise.all([...all.map((one) => one.run(signal)), logMissing(mayMiss, logger, signal)]);
    },
    whenSynced: async (signal: AbortSignal): Promise<void> => {
      await Promise.all(all.map((one) => one.whenSynced(signal)));
    },
  };
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

export function addIndexes(stores: Omit<Stores, 'run' | 'whenSynced'>, role: ScalerContext['role']): void {
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
