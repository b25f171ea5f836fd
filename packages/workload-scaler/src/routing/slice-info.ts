import { type EndpointSlice, identity, type SliceAddresses, sliceAddresses, sliceLabels } from '@scaler/kube';
import { keys } from '../workload/keys.ts';

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
    ownerUid: metadata?.ownerReferences?.find(({ kind }) => kind === 'Service')?.uid,
    addressType,
    ...sliceAddresses(slice),
  };
}
