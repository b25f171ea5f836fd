import { keys } from '../workload/keys.ts';
import { createHash } from 'node:crypto';
import { serviceAddresses } from '@scaler/kube';
import { buildSlices, type DivertedPort } from './build-slice.ts';
import { isOurs, routingOf } from './routing.ts';
import { listenPortOf, type PortRange } from '../ports/port-label.ts';
import { mirrorAddresses, type MirrorUrgency, mirrorUrgency } from './mirror.ts';
import type { ServiceInfo } from './service-info.ts';
import { type SliceInfo, trimSlice } from './slice-info.ts';
import type { Workload } from '../workload/workload.ts';
import type { SliceFacts } from '../machine/facts.ts';

/** One Service as it was read, with all of its slices. */
export interface ServiceSnapshot {
  readonly name: string;
  /** Undefined: it does not exist (any more). */
  readonly service: ServiceInfo | undefined;
  /** It leads to the resource, whether or not it can be diverted. */
  readonly leads: boolean;
  /** It leads to the resource and can be diverted. */
  readonly ours: boolean;
  /** All of them where they were read live; from the cache, ours alone. */
  readonly slices: readonly SliceInfo[];
}

/** The DLX's addresses for one Service. */
export interface DlxForService {
  /** Ready and listening on all of the Service's ports. */
  readonly listed: readonly string[];
  readonly draining: readonly string[];
}

/** The Service's ports with where the DLX listens for them; those that have none yet are left out. */
export function divertedPorts(service: ServiceInfo, workload: Workload, range: PortRange): readonly DivertedPort[] {
  return service.ports
    .filter(({ protocol }) => protocol === 'TCP')
    .flatMap(({ name, port, appProtocol }) => {
      const listenPort = listenPortOf(workload, service.name, port, range);
      return listenPort === undefined ? [] : [{ name, listenPort, appProtocol }];
    });
}

/** Whether every TCP port of the Service has a port of the DLX. */
export function isLabelled(service: ServiceInfo, workload: Workload, range: PortRange): boolean {
  const tcp = service.ports.filter(({ protocol }) => protocol === 'TCP');
  return divertedPorts(service, workload, range).length === tcp.length;
}

/** How our slices stand to what they should be, and how soon they must follow the DLX's addresses. */
export function sliceFacts(
  snapshot: ServiceSnapshot,
  ports: readonly DivertedPort[],
  dlx: DlxForService,
): { readonly slices: SliceFacts; readonly urgency: MirrorUrgency } {
  const { service } = snapshot;
  const own = snapshot.slices.filter(isOurs);
  if (own.length === 0) return { slices: 'none', urgency: 'none' };
  if (service === undefined) return { slices: 'broken', urgency: 'now' };
  const routing = routingOf(service, own);
  const current = routing.slice?.addresses ?? [];
  const named = new Set(current);
  const addresses = named.size > 0 ? [...named] : mirrorAddresses([], dlx);
  const wanted = buildSlices({ service, resource: '', epoch: '', addresses, ports }).map(trimSlice);
  if (named.size === 0 || routing.slice?.owned !== true || !sameShape(own, wanted))
    return { slices: 'broken', urgency: 'now' };
  const urgency = mirrorUrgency([...named], dlx);
  const replaceable = mirrorAddresses([...named], dlx).length > 0;
  return urgency === 'none' || !replaceable ? { slices: 'whole', urgency: 'none' } : { slices: 'outdated', urgency };
}

// The same slices by name, with the same ports, each endpoint ready; the addresses are compared apart from it.
function sameShape(own: readonly SliceInfo[], wanted: readonly SliceInfo[]): boolean {
  const shape = ({ name, ports, endpoints }: SliceInfo): string =>
    JSON.stringify([
      name,
      ports.map((port) => [port.name ?? '', port.port, port.protocol].join()).sort(),
      endpoints.every(({ ready, serving, terminating }) => ready && serving && !terminating),
    ]);
  return own.map(shape).sort().join() === wanted.map(shape).sort().join();
}

/** Whether the Service's own slices list a pod that takes connections. Only from slices that were read live. */
export function servesItself(slices: readonly SliceInfo[]): boolean {
  return serviceAddresses(slices, { exceptManagedBy: keys.manager }).some(({ ready }) => ready);
}

/** Equal as long as the Service is routed in the same way; the clock of `settle` runs while it stays equal. */
export function fingerprint({ service, slices }: ServiceSnapshot): string {
  const own = slices.filter(isOurs);
  const endpoints = own.flatMap((slice) => slice.endpoints.map(({ address }) => address)).sort();
  const ports = own.flatMap((slice) => slice.ports.map(({ port }) => port)).sort();
  // What was changed and changed back between two looks is not what it was.
  const versions = own.map(({ uid, resourceVersion }) => `${uid} ${resourceVersion}`).sort();
  const routing = service && routingOf(service, own);
  const text = JSON.stringify([
    service?.uid,
    routing?.key,
    routing?.slice?.epoch,
    endpoints,
    ports,
    versions,
    servesItself(slices),
  ]);
  // It is kept, and may be as long as the Service has ports.
  return text.length <= longestPrint ? text : createHash('sha256').update(text).digest('base64');
}

const longestPrint = 512;
