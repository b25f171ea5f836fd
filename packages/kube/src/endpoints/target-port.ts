import type { ServicePort } from '../routing/service-info.ts';
import type { PodShape } from '../state/pod-shape.ts';

/** Where a pod listens for a Service's port; undefined: it has no port of that name. */
export function targetPortOf({ targetPort, protocol }: ServicePort, { ports }: PodShape): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  return ports.find((port) => port.name === targetPort && port.protocol === protocol)?.port;
}
