import { isPodOf } from '../endpoints/own-pods.ts';
import type { PodInfo, ReplicaSetInfo } from '../endpoints/pod-info.ts';
import type { Workload } from '../workload/workload.ts';
import { fewOf } from '../workload/few-of.ts';
import { selects } from './routing.ts';
import type { ServiceInfo } from './service-info.ts';

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
