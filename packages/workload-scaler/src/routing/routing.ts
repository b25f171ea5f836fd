import { matches } from '../workload/labels.ts';
import { serviceAddresses } from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import type { Workload } from '../workload/workload.ts';
import type { ServiceInfo } from './service-info.ts';
import { type SliceInfo, isOurs, buildSlices, type DivertedPort, trimSlice } from './slices.ts';
import { createHash } from 'node:crypto';
import { type MirrorAddresses, mirrorAddresses, type MirrorUrgency, mirrorUrgency } from './mirror.ts';
import type { SliceFacts } from '../machine/facts.ts';

/** Reads how a Service is routed, as far as we have a hand in it. `slices`: any; those of others are ignored. */
export function routingOf(service: ServiceInfo, slices: Iterable<SliceInfo>) {
  const own = [...slices].filter(
    (slice) => isOurs(slice) && slice.namespace === service.namespace && slice.service === service.name,
  );
  own.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    /** The epoch in the Service's selector; undefined: the selector is the user's own. */
    key: service.selector?.[keys.asleep],
    /** Our slices, one per address family; empty: not diverted. */
    slices: own,
    /** What our slices say together; undefined without any. */
    slice: summary(service, own),
  };
}

interface RoutingSlice extends Pick<SliceInfo, 'epoch' | 'ports'> {
  readonly addresses: readonly string[];
  /** All belong to the Service as it is now, not to one of the same name that was deleted. */
  readonly owned: boolean;
}

// Without an epoch where they do not agree. The numbers of its ports are the DLX's listen ports.
function summary(service: ServiceInfo, slices: readonly SliceInfo[]): RoutingSlice | undefined {
  const [first] = slices;
  if (!first) return undefined;
  return {
    epoch: slices.every(({ epoch }) => epoch === first.epoch) ? first.epoch : undefined,
    addresses: slices.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
    ports: first.ports,
    owned: slices.every(({ ownerUid }) => ownerUid === service.uid),
  };
}

/** The selector as the user wrote it: without our key. */
export function ownSelector(service: ServiceInfo): Readonly<Record<string, string>> {
  const { [keys.asleep]: _key, ...selector } = service.selector ?? {};
  return selector;
}

/** Whether a Service, undiverted, selects what has these labels. */
export function selects(service: ServiceInfo, labels: Readonly<Record<string, string>>): boolean {
  return matches(ownSelector(service), labels);
}

type Selected = Pick<Workload, 'pods' | 'selector' | 'templateLabels'>;

/** Whether a Service, undiverted, selects pods of a workload: all of them, or those that its controller labels apart. */
export function selectsPodsOf(service: ServiceInfo, workload: Selected): boolean {
  return selects(service, workload.templateLabels) || addedKeys(service, workload).length > 0;
}

/**
 * The keys of a Service's selector that only a workload's controller can have given to its pods: the Service has all that the
 * workload selects by, and these beside it, which its template does not name. So the stable and the canary Service of an Argo
 * Rollout lead to the pods of one revision each.
 */
export function addedKeys(service: ServiceInfo, { pods, selector, templateLabels }: Selected): readonly string[] {
  const own = ownSelector(service);
  const wanted = Object.entries(selector);
  if (pods !== 'selected' || wanted.length === 0) return [];
  const narrows = [...wanted, ...Object.entries(templateLabels)].every(([key, value]) => (own[key] ?? value) === value);
  if (!narrows || wanted.some(([key]) => own[key] === undefined)) return [];
  return Object.keys(own).filter((key) => templateLabels[key] === undefined);
}

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

/** How our slices stand to what they should be, and how soon they must follow the DLX's addresses. */
export function sliceFacts(
  snapshot: ServiceSnapshot,
  ports: readonly DivertedPort[],
  dlx: MirrorAddresses,
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

/**
 * Whether a slice of ours names the Service's version as it is: a key may be added at it, and one that was sent may still come.
 * See docs/decisions/late-writes.md.
 */
export function keyMayCome({ service, slices }: ServiceSnapshot): boolean {
  return service !== undefined && slices.some((slice) => isOurs(slice) && slice.keyAt === service.resourceVersion);
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
