import type { EndpointSlice } from '../objects/kinds.ts';
import { share } from '../objects/share.ts';

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
