import { type EndpointSlice, identity, type SliceAddresses, sliceAddresses, sliceLabels } from '@scaler/kube';
import { keys, shortened } from '../workload/keys.ts';
import { isIPv6 } from 'node:net';
import type { ServiceInfo } from './service-info.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** What is kept of an EndpointSlice. */
export interface SliceInfo extends SliceAddresses {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339; empty: not known. */
  readonly createdAt: string;
  /** Its Service's name. */
  readonly service: string;
  /** Of ours: the label that names the resource (shortened when long). */
  readonly resource: string | undefined;
  /** Of ours: which transition diverted. */
  readonly epoch: string | undefined;
  /** Of ours: the version of the Service at which a key may be added to it; undefined: at none. */
  readonly keyAt: string | undefined;
  /** Of ours: how many replicas the resource had when it was written; undefined: it does not say. */
  readonly replicas: number | undefined;
  /** The uid of the Service that owns it. */
  readonly ownerUid: string | undefined;
  readonly addressType: string;
}

/** Trims an EndpointSlice, ours or not. */
export function trimSlice(slice: EndpointSlice): SliceInfo {
  const { metadata, addressType } = slice;
  const labels = metadata?.labels ?? {};
  return {
    ...identity(metadata),
    createdAt: metadata?.creationTimestamp ?? '',
    service: labels[sliceLabels.serviceName] ?? '',
    resource: labels[keys.resource],
    epoch: labels[keys.epoch],
    keyAt: metadata?.annotations?.[keys.keyAt],
    replicas: replicasIn(labels[keys.replicas]),
    ownerUid: metadata?.ownerReferences?.find(({ kind }) => kind === 'Service')?.uid,
    addressType,
    ...sliceAddresses(slice),
  };
}

function replicasIn(label = ''): number | undefined {
  return /^[1-9]\d{0,8}$/.test(label) ? Number(label) : undefined;
}

/** A port of a Service and where the DLX listens for it. */
export interface DivertedPort {
  readonly name: string | undefined;
  readonly listenPort: number;
  readonly appProtocol?: string | undefined;
}

/** Everything a Service's slices of ours say. */
export interface Diversion {
  readonly service: ServiceInfo;
  /** The resource's name. */
  readonly resource: string;
  readonly epoch: string;
  /** See {@link SliceInfo}. */
  readonly keyAt?: string | undefined;
  /** What a wake brings back, where the workload itself does not tell any more. Default: nothing is said. */
  readonly replicas?: number;
  /** Of the DLX, of any family. */
  readonly addresses: readonly string[];
  readonly ports: readonly DivertedPort[];
}

const families: readonly AddressType[] = ['IPv4', 'IPv6'];
// The API refuses more in one slice.
const maxAddresses = 1_000;

/** `<service>-scaler-ipv4`, with a hash where the name would be too long. */
export function sliceName(service: string, family: AddressType): string {
  return `${shortened(service, 253 - '-scaler-ipv4'.length)}-scaler-${family.toLowerCase()}`;
}

/** The value of a slice's label `scaler/resource`. */
export function resourceLabel(resource: string): string {
  return shortened(resource, 63);
}

/**
 * The slices that divert a Service: one for each address family that both the Service and the DLX have. Sorted, so
 * that equal facts give equal slices. Addresses beyond 1,000 of a family are left out, the API allows no more.
 * See docs/decisions/slices-beside-services.md.
 */
export function buildSlices(diversion: Diversion): readonly EndpointSlice[] {
  const { service, addresses } = diversion;
  return families.flatMap((family) => {
    if (!service.ipFamilies.includes(family)) return [];
    const own = [...new Set(addresses)].filter((address) => isIPv6(address) === (family === 'IPv6'));
    return own.length === 0 ? [] : [buildSlice(diversion, family, own.sort().slice(0, maxAddresses))];
  });
}

function buildSlice(
  { service, resource, epoch, replicas, keyAt, ports }: Diversion,
  addressType: AddressType,
  addresses: readonly string[],
): EndpointSlice {
  const { namespace, name, uid } = service;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      name: sliceName(name, addressType),
      labels: {
        [sliceLabels.serviceName]: name,
        [sliceLabels.managedBy]: keys.manager,
        [keys.resource]: resourceLabel(resource),
        [keys.epoch]: epoch,
        ...(replicas === undefined ? {} : { [keys.replicas]: `${replicas}` }),
      },
      ...(keyAt === undefined ? {} : { annotations: { [keys.keyAt]: keyAt } }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid }],
    },
    addressType,
    ports: ports.map(({ name: portName, listenPort, appProtocol }) => ({
      name: portName ?? '',
      port: listenPort,
      protocol: 'TCP',
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })),
    // Written out: Traefik takes an absent condition for "not ready".
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}

/** What a slice says, for comparison: everything but its uid and resourceVersion. */
export function sameSlice(a: SliceInfo, b: SliceInfo): boolean {
  return sliceText(a) === sliceText(b);
}

function sliceText(slice: SliceInfo): string {
  const { service, managedBy, resource, epoch, replicas, keyAt, ownerUid, addressType, ports, endpoints } = slice;
  const listed = endpoints.map((e) => [e.address, e.ready, e.serving, e.terminating].join());
  const listening = ports.map((p) => [p.name, p.port, p.protocol].join());
  const labels = [service, managedBy, resource, epoch, replicas ?? null, keyAt ?? null, ownerUid, addressType];
  return JSON.stringify([...labels, listening.sort(), listed.sort()]);
}

/** A label selector of the slices that are kept by us. */
export const ourSlices = `${sliceLabels.managedBy}=${keys.manager}`;

/** Whether a slice is kept by us. */
export function isOurs(slice: Pick<SliceInfo, 'managedBy'>): boolean {
  return slice.managedBy === keys.manager;
}
