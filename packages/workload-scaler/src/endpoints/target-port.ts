import type { ServicePort } from '../routing/service-info.ts';
import type { PodShape } from '../workload/pod-shape.ts';

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
