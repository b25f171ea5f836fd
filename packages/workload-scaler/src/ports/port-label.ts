import { isCopied } from '../workload/token.ts';
import { digest, keys } from '../workload/keys.ts';
import { type Labels, labelValue } from '../workload/labels.ts';
import type { Workload } from '../workload/workload.ts';
import { type DivertedPort, resourceLabel, type SliceInfo, isOurs } from '../routing/slices.ts';
import { type ServiceInfo, tcpPortsOf } from '../routing/service-info.ts';
import { isEnabled } from '../cache/lookup.ts';
import type { ServiceSnapshot } from '../routing/routing.ts';

/**
 * The label of a workload that keeps the DLX's port for one port of one Service. A label, not an annotation:
 * `kubectl rollout undo` brings old annotations back.
 */
export function portLabel(service: string, port: number): string {
  const name = `port-${service}-${port}`;
  const short = name.length <= 63 ? name : `port-${service.slice(0, 40)}-${digest(name)}`;
  return `${keys.prefix}${short}`;
}

/** A range of ports, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below the ephemeral ports of Linux, beside the node ports of Kubernetes (which are the nodes', not the pods'). */
export const defaultPortRange: PortRange = { from: 20_000, to: 30_999 };

/**
 * The DLX's port for a port of a Service, as the workload's label says; undefined: absent, not a port of the range, or
 * written for another object.
 */
export function listenPortOf(
  workload: Labels & Pick<Workload, 'uid' | 'annotations'>,
  service: string,
  port: number,
  range: PortRange = defaultPortRange,
): number | undefined {
  const text = labelValue(workload, portLabel(service, port)) ?? '';
  const listenPort = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  const isPort = listenPort >= range.from && listenPort <= range.to;
  return isPort && !isCopied(workload) ? listenPort : undefined;
}

/** The Service's ports with where the DLX listens for them; those that have none yet are left out. */
export function divertedPorts(service: ServiceInfo, workload: Workload, range: PortRange): readonly DivertedPort[] {
  return tcpPortsOf(service).flatMap(({ name, port, appProtocol }) => {
    const listenPort = listenPortOf(workload, service.name, port, range);
    return listenPort === undefined ? [] : [{ name, listenPort, appProtocol }];
  });
}

/** Whether every TCP port of the Service has a port of the DLX. */
export function isLabelled(service: ServiceInfo, workload: Workload, range: PortRange): boolean {
  return divertedPorts(service, workload, range).length === tcpPortsOf(service).length;
}

/** One port that a target of a workload has, by its label. */
export function heldPort({ uid }: Pick<Workload, 'uid'>, label: string, port: string): string {
  return [uid, label, port].join(' ');
}

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

/** What the Lease holder gave away. */
export interface PortBook {
  /** As {@link heldPort} writes it; undefined: not known, so labels are believed. */
  held: ReadonlySet<string> | undefined;
  /** By uid, why a workload has no ports of the DLX, by the last allocation. */
  readonly refusals: Map<string, string>;
}

interface Book {
  readonly options: { readonly portRange: PortRange };
  readonly portBook: PortBook;
}

/**
 * Where the DLX listens for a Service's ports, for the Lease holder: as labels say, if that was given to the workload; for
 * the rest, where the Service's slices lead now. So a label that another client wrote diverts nothing to another's port.
 */
export function givenPorts(
  { options: { portRange }, portBook }: Book,
  workload: Workload,
  { service, slices }: Pick<ServiceSnapshot, 'service' | 'slices'>,
): readonly DivertedPort[] {
  if (service === undefined) return [];
  const labelled = divertedPorts(service, workload, portRange);
  if (isAllGiven(portBook, workload)) return labelled;
  const given = new Map(labelled.map((one) => [one.name ?? '', one]));
  const led = ledPorts(service, workload.name, slices, portRange);
  return tcpPortsOf(service).flatMap(({ name, port, appProtocol }) => {
    const one = given.get(name ?? '');
    if (one !== undefined && isGiven(portBook, workload, portLabel(service.name, port), one.listenPort)) return [one];
    const listenPort = led.get(name ?? '')?.port;
    return listenPort === undefined ? [] : [{ name, listenPort, appProtocol }];
  });
}

/** Whether each TCP port of these Services has a port of the DLX by a label, which was given to it, and no label is too many. */
export function arePortsGiven(
  { options: { portRange }, portBook }: Book,
  workload: Workload,
  services: readonly ServiceInfo[],
): boolean {
  if (!services.every((service) => isLabelled(service, workload, portRange))) return false;
  const wanted = services.reduce((sum, service) => sum + tcpPortsOf(service).length, 0);
  return workload.portLabels.length === wanted && isAllGiven(portBook, workload);
}

/** Whether each of its labels of ports was given to it. What is being handed back keeps what it has. */
export function isAllGiven(book: PortBook, workload: Workload): boolean {
  if (book.held === undefined || !isEnabled(workload)) return true;
  return workload.portLabels.every(({ label, value }) => isGiven(book, workload, label, value));
}

function isGiven({ held }: PortBook, workload: Workload, label: string, port: number | string): boolean {
  return held === undefined || held.has(heldPort(workload, label, String(port)));
}
