import type { Clock, Endpoint } from '@scaler/scaler-types';
import { selects } from '../routing/routing.ts';
import type { ServiceInfo, ServicePort } from '../routing/service-info.ts';
import type { ProbeSpec, PodShape } from '../workload/pod-shape.ts';
import type { PodInfo } from './pod-info.ts';
import { acceptSpec, answers } from './probe/probe.ts';

/** A pod that a target leads to once it is ready, and where it listens. */
export interface Candidate {
  readonly pod: PodInfo;
  readonly address: string;
  readonly port: number;
}

/** The pods that a port of a Service leads to: selected, with an address and that port, and not at their end. */
export function candidatesOf(
  service: ServiceInfo | undefined,
  port: number,
  pods: readonly PodInfo[],
): readonly Candidate[] {
  const servicePort = service && tcpPortOf(service.ports, port);
  if (service === undefined || servicePort === undefined) return [];
  return pods.filter(({ labels }) => selects(service, labels)).flatMap((pod) => candidateOf(pod, servicePort));
}

const tcpPorts = new WeakMap<readonly ServicePort[], ReadonlyMap<number, ServicePort>>();

// A Service may have thousands, and each is asked for at each change of a pod.
function tcpPortOf(ports: readonly ServicePort[], port: number): ServicePort | undefined {
  let known = tcpPorts.get(ports);
  if (known === undefined) {
    known = new Map(ports.filter(({ protocol }) => protocol === 'TCP').map((one) => [one.port, one]));
    tcpPorts.set(ports, known);
  }
  return known.get(port);
}

function candidateOf(pod: PodInfo, servicePort: ServicePort): Candidate[] {
  const port = targetPortOf(servicePort, pod.shape);
  const ended = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  if (port === undefined || pod.ip === undefined || pod.terminating || ended) return [];
  return [{ pod, address: pod.ip, port }];
}

/** Whether the pod has no readinessProbe: the kubelet then calls it Ready before it listens. */
export function lacksProbe({ pod }: Candidate): boolean {
  return pod.shape.probes?.length === 0;
}

/** How the pod is asked whether it is ready; undefined when only the kubelet can tell. */
export function specsOf({ pod, port }: Candidate): readonly ProbeSpec[] | undefined {
  return pod.shape.probes?.length === 0 ? [acceptSpec(port)] : pod.shape.probes;
}

/** The endpoint that a candidate is. */
export function endpointOf({ pod, address, port }: Candidate, clock: Clock): Endpoint {
  const spec = pod.shape.probes?.find(({ type }) => type === 'http') ?? acceptSpec(port);
  return { address, port, id: pod.uid, check: (signal) => answers(spec, address, clock, signal) };
}

/** Where a pod listens for a Service's port; undefined: it has no port of that name. */
export function targetPortOf({ targetPort, protocol }: ServicePort, { ports }: PodShape): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  return namedPorts(ports).get(`${protocol} ${targetPort}`);
}

const named = new WeakMap<PodShape['ports'], ReadonlyMap<string, number>>();

// Of containers of which two have the name, the first counts.
function namedPorts(ports: PodShape['ports']): ReadonlyMap<string, number> {
  const known = named.get(ports);
  if (known !== undefined) return known;
  const byName = new Map<string, number>();
  for (const { name, protocol, port } of ports) {
    const key = `${protocol} ${name}`;
    if (name !== undefined && !byName.has(key)) byName.set(key, port);
  }
  named.set(ports, byName);
  return byName;
}
