import type { EndpointSlice } from '../client/kinds.ts';
import { keys } from '../state/keys.ts';
import { share } from '../state/share.ts';
import { identity } from '../state/workload.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** One port of a slice: its number is where the endpoints listen. */
export interface SlicePort {
  readonly name: string | undefined;
  readonly port: number;
  readonly protocol: string;
}

export interface SliceEndpoint {
  readonly address: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** The pod's uid. */
  readonly targetUid: string | undefined;
}

/** What is kept of an EndpointSlice. */
export interface SliceInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339; empty: not known. */
  readonly createdAt: string;
  /** Its Service's name. */
  readonly service: string;
  readonly managedBy: string;
  /** Of ours: the label that names the resource (shortened when long). */
  readonly resource: string | undefined;
  /** Of ours: which transition diverted. */
  readonly epoch: string | undefined;
  /** The uid of the Service that owns it. */
  readonly ownerUid: string | undefined;
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** Trims an EndpointSlice, ours or not. */
export function trimSlice({ metadata, addressType, ports, endpoints }: EndpointSlice): SliceInfo {
  const labels = metadata?.labels ?? {};
  return {
    ...identity(metadata),
    createdAt: metadata?.creationTimestamp ?? '',
    service: labels[keys.serviceName] ?? '',
    managedBy: labels[keys.managedBy] ?? '',
    resource: labels[keys.resource],
    epoch: labels[keys.epoch],
    ownerUid: metadata?.ownerReferences?.find(({ kind }) => kind === 'Service')?.uid,
    addressType,
    ports: share(
      (ports ?? []).map(({ name, port, protocol }) => ({
        name: name === '' ? undefined : name,
        port: port ?? 0,
        protocol: protocol ?? 'TCP',
      })),
    ),
    endpoints: share((endpoints ?? []).flatMap(trimEndpoint)),
  };
}

// Absent means ready, and serving as ready; only the first address of an endpoint is used by anybody.
function trimEndpoint({
  addresses,
  conditions,
  targetRef,
}: NonNullable<EndpointSlice['endpoints']>[number]): SliceEndpoint[] {
  const address = addresses[0];
  if (address === undefined) return [];
  const ready = conditions?.ready ?? true;
  return [
    {
      address,
      ready,
      serving: conditions?.serving ?? ready,
      terminating: conditions?.terminating ?? false,
      targetUid: targetRef?.uid,
    },
  ];
}
