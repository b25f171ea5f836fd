import type { CallOptions } from '../client/caller.ts';
import type { KubeClient } from '../client/client.ts';
import { type EndpointSlice, kinds } from '../objects/kinds.ts';
import { share } from '../objects/share.ts';

/** One address behind a Service. */
export interface ServiceAddress {
  readonly address: string;
  /** A pod's uid, where it is a pod. */
  readonly id: string;
  /** Takes new connections. */
  readonly ready: boolean;
  /** On its way out, and still serving. */
  readonly draining: boolean;
  /** By port name; unnamed: the empty string. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Which slices a Service has. */
export function slicesOfService(service: string): string {
  return `${sliceLabels.serviceName}=${service}`;
}

export interface ReadAddressesOptions extends CallOptions {
  /** Addresses that are wanted in any state. */
  readonly also?: readonly string[];
}

/**
 * The addresses behind a Service, read from the API now: ready ones and draining ones (terminating, still serving).
 *
 * @throws KubeError when they cannot be read.
 */
export async function readServiceAddresses(
  client: KubeClient,
  service: { readonly namespace: string; readonly name: string },
  { also = [], ...options }: ReadAddressesOptions,
): Promise<readonly ServiceAddress[]> {
  const { namespace, name } = service;
  const { items } = await client.list(kinds.endpointSlice, {
    ...options,
    namespace,
    labelSelector: slicesOfService(name),
    trim: sliceAddresses,
  });
  return serviceAddresses(items, { also: new Set(also) });
}

export interface AddressesOptions {
  /** Addresses that are wanted in any state. */
  readonly also?: ReadonlySet<string>;
  /** Slices that this controller keeps are left out. */
  readonly exceptManagedBy?: string;
}

/** The addresses that slices of one Service name, each once: ready ones and draining ones. */
export function serviceAddresses(
  slices: Iterable<SliceAddresses>,
  { also = new Set(), exceptManagedBy }: AddressesOptions = {},
): readonly ServiceAddress[] {
  const addresses = new Map<string, ServiceAddress>();
  for (const { managedBy, ports, endpoints } of slices) {
    if (managedBy === exceptManagedBy) continue;
    const named = Object.fromEntries(ports.map(({ name, port }) => [name ?? '', port]));
    for (const { address, ready, serving, terminating, targetUid } of endpoints) {
      const draining = serving && terminating;
      if (!draining && !(ready && !terminating) && !also.has(address)) continue;
      const known = addresses.get(address);
      addresses.set(address, {
        address,
        id: targetUid ?? address,
        ready: (ready && !terminating) || known?.ready === true,
        draining: draining && known?.ready !== true,
        // Shared: a copy for each address would take the product of its endpoints and ports.
        ports: known === undefined || known.ports === named ? named : { ...known.ports, ...named },
      });
    }
  }
  return [...addresses.values()];
}

/** Labels of any EndpointSlice. */
export const sliceLabels = {
  /** Its Service. */
  serviceName: 'kubernetes.io/service-name',
  /** The controller that keeps it. */
  managedBy: 'endpointslice.kubernetes.io/managed-by',
} as const;

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

/** The addresses of a Service in one EndpointSlice. */
export interface SliceAddresses {
  readonly managedBy: string;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** Trims an EndpointSlice to its addresses. Ports and endpoints are frozen and shared between equal ones. */
export function sliceAddresses({ metadata, ports, endpoints }: EndpointSlice): SliceAddresses {
  return {
    managedBy: metadata?.labels?.[sliceLabels.managedBy] ?? '',
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

// Absent means ready, and serving as ready; only the first address of an endpoint is ever used.
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
