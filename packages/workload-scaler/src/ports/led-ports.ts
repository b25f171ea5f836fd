import { resourceLabel } from '../routing/build-slice.ts';
import type { PortRange } from './port-label.ts';
import { isOurs } from '../routing/routing.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { SliceInfo } from '../routing/slice-info.ts';

/** The DLX's port that slices of ours lead a Service's port to now. */
export interface LedPort {
  readonly port: number;
  /** RFC 3339; the age of the slice. Empty: not known. */
  readonly since: string;
}

/**
 * Port name (empty: none) → where the traffic of a resource's Service is led now. Slices are what traffic goes by, and
 * stand where a tenant as a rule may not write; one that belongs to an earlier Service of the name, or names another
 * resource, says nothing. Of several slices the oldest counts. `slices`: any.
 */
export function ledPorts(
  service: ServiceInfo,
  resource: string,
  slices: Iterable<SliceInfo>,
  range: PortRange,
): ReadonlyMap<string, LedPort> {
  const led = new Map<string, LedPort>();
  for (const slice of slices) {
    if (!isOurs(slice) || slice.service !== service.name || slice.namespace !== service.namespace) continue;
    if (slice.ownerUid !== service.uid || slice.resource !== resourceLabel(resource)) continue;
    for (const { name = '', port } of slice.ports) {
      if (port < range.from || port > range.to) continue;
      const known = led.get(name);
      if (known === undefined || slice.createdAt < known.since) led.set(name, { port, since: slice.createdAt });
    }
  }
  return led;
}
