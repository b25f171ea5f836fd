import { readToken } from '../workload/token.ts';
import { matches } from '../workload/labels.ts';
import { fewOf } from '../workload/few-of.ts';
import { addedKeys, selects } from '../routing/routing.ts';
import { serviceProblems, type ServiceInfo } from '../routing/service-info.ts';
import type { PodInfo, ReplicaSetInfo } from '../endpoints/pod-info.ts';
import type { Workload } from '../workload/workload.ts';
import type { IngressInfo } from '../hosts/ingress.ts';
import type { RoutingMode } from './facts.ts';
import type { Settings } from '../config/settings.ts';
import type { TargetGroupInfo } from '../hosts/target-group.ts';
import { isPodOf } from '../endpoints/own-pods.ts';

/** There is nothing to divert. */
export const noService = 'no Service selects its pods, so nothing could wake it';

/** What {@link refusal} looks at; all of it may come from caches. */
export interface DivertFacts {
  readonly workload: Workload;
  readonly settings: Settings;
  /** Every Service that leads to it. */
  readonly services: readonly ServiceInfo[];
  readonly ingresses: readonly IngressInfo[];
  readonly targetGroups: readonly TargetGroupInfo[];
  /** Pods that some of the Services may select. */
  readonly pods: readonly PodInfo[];
  readonly replicaSets: readonly ReplicaSetInfo[];
  /** Other managed workloads that some of the Services select; they may have no pods now. */
  readonly others: readonly Workload[];
}

/** Why the resource's Services cannot be diverted, in words; undefined when they can. Pure. */
export function notDivertibleReason(facts: DivertFacts): string | undefined {
  const reasons = [
    ...missingServices(facts),
    ...facts.services.flatMap((service) => serviceProblems(service)).slice(0, fewReasons),
    ...addedToSelector(facts),
    ...manyPorts(facts),
    ...balancerProblems(facts),
    ...sharing(facts),
    ...meshed(facts),
    ...stickyProblems(facts),
  ];
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** Each of its kind: more say nothing more. */
const fewReasons = 5;
/** Each port is one of the DLX's own, and all are looked at whenever anything of the workload changes. */
const mostPorts = 1_000;
/** So many Services of one workload are looked at, and are too many: each is looked at whenever any of them changes. */
export const mostServices = 100;

function manyPorts({ services }: DivertFacts): string[] {
  if (services.length >= mostServices) return [`${mostServices} Services or more lead to it, fewer can be diverted`];
  const ports = services.reduce((sum, service) => sum + service.ports.length, 0);
  return ports <= mostPorts ? [] : [`its Services have ${ports} ports, at most ${mostPorts} can be diverted`];
}

// Its controller writes that selector, and may take a further key for a mistake: an Argo Rollout is not scaled any more then.
function addedToSelector({ workload, settings, services }: DivertFacts): string[] {
  const [first] = services.filter((service) => addedKeys(service, workload).length > 0);
  if (first === undefined || routingMode(settings, services, workload) === 'overlay') return [];
  const [key = ''] = addedKeys(first, workload);
  const metric = settings.measured ? '' : ' and a metric';
  return [
    `the controller of ${workload.name} keeps the selector of Service ${first.name} by ${key}: it needs scaler/routing: overlay${metric}`,
  ];
}

function missingServices({ settings, services, workload }: DivertFacts): string[] {
  const found = new Set(services.map(({ name }) => name));
  const missing = (settings.services ?? []).filter((name) => !found.has(name));
  if (missing.length === 0) return [];
  return [
    `Service ${fewOf(missing)}, named in scaler/services, does not exist or does not select the pods of ${workload.name}`,
  ];
}

function balancerProblems({ ingresses, targetGroups }: DivertFacts): string[] {
  const found = [
    ...ingresses.flatMap(({ name, ipTargets }) =>
      ipTargets === undefined ? [] : [`Ingress ${name} has ${ipTargets}`],
    ),
    ...targetGroups.flatMap(({ name, isIp }) => (isIp ? [`TargetGroupBinding ${name} has targetType ip`] : [])),
  ];
  return found
    .slice(0, fewReasons)
    .map((what) => `${what}: its load balancer sends to pods by itself and ignores the DLX`);
}

function sharing({ services, pods, workload, replicaSets, others }: DivertFacts): string[] {
  const workloads = others.map(({ name }) => name);
  if (workloads.length > 0)
    return [`its Services also select the pods of ${fewOf(workloads)}: it must not be diverted with them`];
  const owners = new Map(replicaSets.map(({ uid, ownerUid }) => [uid, ownerUid]));
  return services.flatMap((service) => {
    const foreign = foreignPods(service, pods, workload, replicaSets).find((pod) => !mayBeOwn(pod, workload, owners));
    return foreign === undefined
      ? []
      : [`Service ${service.name} also selects the pod ${foreign.name}, which is not one of ${workload.name}`];
  });
}

// A pod may be known before its ReplicaSet is: with the workload's own labels it gets the benefit of the doubt.
function mayBeOwn(pod: PodInfo, { uid, selector }: Workload, owners: ReadonlyMap<string, string | undefined>): boolean {
  const owner = pod.ownerUid === undefined ? undefined : owners.get(pod.ownerUid);
  if (pod.ownerUid === undefined || (owner !== undefined && owner !== uid)) return false;
  return matches(selector, pod.labels);
}

const sidecars = ['istio-proxy', 'linkerd-proxy', 'kuma-sidecar', 'consul-dataplane', 'cilium-envoy', 'osm-proxy'];

function meshed({ workload, pods, settings }: DivertFacts): string[] {
  if (settings.mesh === 'allow') return [];
  const names = [...workload.template.containers, ...pods.flatMap(({ shape }) => shape.containers)];
  const sidecar = sidecars.find((name) => names.includes(name));
  if (sidecar === undefined) return [];
  return [
    `its pods have the sidecar ${sidecar}: a mesh may refuse the DLX, so it needs the annotation scaler/mesh: allow`,
  ];
}

// By its address the DLX keeps a client at one pod in `always`. What a cookie says, and who is next while it is handed over, it
// does not know: with one pod there is nothing to keep.
function stickyProblems({ workload, settings, services, ingresses }: DivertFacts): string[] {
  const replicas = Math.max(workload.replicas, settings.replicas ?? readToken(workload).state?.replicas ?? 1);
  if (replicas <= 1) return [];
  const byAddress =
    routingMode(settings, services, workload) === 'always'
      ? []
      : services
          .filter(({ clientAffinity }) => clientAffinity)
          .map(({ name }) => `Service ${name} has sessionAffinity ClientIP`);
  const byProxy = [
    ...services.map(({ name, sticky }) => sticky && `Service ${name} has ${sticky}`),
    ...ingresses.map(({ name, sticky }) => sticky && `Ingress ${name} has ${sticky}`),
  ].filter((text) => text !== undefined);
  return [
    ...byAddress.slice(0, fewReasons).map((what) => `${what}: ${kept(replicas)}, scaler/routing: always would keep it`),
    ...byProxy.slice(0, fewReasons).map((what) => `${what}: ${kept(replicas)}`),
  ];
}

function kept(replicas: number): string {
  return `a wake would spread each client over its ${replicas} pods, so it can have one replica alone`;
}

// Controllers that put a Service back as its repository says; `helm` and `kubectl` write once and go.
const gitOps = /^(argocd|kustomize-controller|helm-controller|flux|fleet|rancher-fleet|config-sync|configsync)/;

/**
 * The mode in effect: `auto` is `always` without a metric, `overlay` where a GitOps tool or the workload's own controller keeps
 * the selector of a Service, else `selector`.
 */
export function routingMode(
  { routing, measured }: Pick<Settings, 'routing' | 'measured'>,
  services: readonly ServiceInfo[],
  workload: Pick<Workload, 'pods' | 'selector' | 'templateLabels'>,
): RoutingMode {
  if (routing !== 'auto') return routing;
  if (!measured) return 'always';
  const isKept = (service: ServiceInfo): boolean =>
    service.managers.some((manager) => gitOps.test(manager)) || addedKeys(service, workload).length > 0;
  return services.some(isKept) ? 'overlay' : 'selector';
}

/**
 * The pods that a Service selects and that are not the workload's: with any, the Service is shared, and diverting it
 * would take traffic from another workload. Pods that have ended do not count.
 */
export function foreignPods(
  service: ServiceInfo,
  pods: Iterable<PodInfo>,
  workload: Workload,
  replicaSets: Iterable<ReplicaSetInfo>,
): readonly PodInfo[] {
  const owned = new Set<string>();
  for (const set of replicaSets) if (set.ownerUid === workload.uid) owned.add(set.uid);
  const ownersOf = (uid: string): readonly string[] => (owned.has(uid) ? [workload.uid] : []);
  return [...pods].filter(
    (pod) =>
      pod.namespace === service.namespace &&
      pod.phase !== 'Succeeded' &&
      pod.phase !== 'Failed' &&
      !isPodOf(workload, pod, ownersOf) &&
      selects(service, pod.labels),
  );
}
