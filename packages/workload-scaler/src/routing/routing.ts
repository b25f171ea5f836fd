import { type SlicePort, sliceLabels } from '@scaler/kube';
import { keys } from '../workload/keys.ts';
import type { Workload } from '../workload/workload.ts';
import type { ServiceInfo } from './service-info.ts';
import type { SliceInfo } from './slice-info.ts';

/** How a Service is routed now, as far as we have a hand in it. */
export interface Routing {
  /** The epoch in the Service's selector; undefined: the selector is the user's own. */
  readonly key: string | undefined;
  /** Our slices, one per address family; empty: not diverted. */
  readonly slices: readonly SliceInfo[];
  /** What our slices say together; undefined without any. */
  readonly slice: RoutingSlice | undefined;
}

export interface RoutingSlice {
  /** Undefined: the slices do not agree, or carry none. */
  readonly epoch: string | undefined;
  readonly addresses: readonly string[];
  /** Numbers are the DLX's listen ports. */
  readonly ports: readonly SlicePort[];
  /** All belong to the Service as it is now, not to one of the same name that was deleted. */
  readonly owned: boolean;
}

/** A label selector of the slices that are kept by us. */
export const ourSlices = `${sliceLabels.managedBy}=${keys.manager}`;

/** Whether a slice is kept by us. */
export function isOurs(slice: Pick<SliceInfo, 'managedBy'>): boolean {
  return slice.managedBy === keys.manager;
}

/** Reads how a Service is routed. `slices`: any; those of others are ignored. */
export function routingOf(service: ServiceInfo, slices: Iterable<SliceInfo>): Routing {
  const own = [...slices].filter(
    (slice) => isOurs(slice) && slice.namespace === service.namespace && slice.service === service.name,
  );
  own.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { key: service.selector?.[keys.asleep], slices: own, slice: summary(service, own) };
}

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
  const selector = Object.entries(ownSelector(service));
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
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
