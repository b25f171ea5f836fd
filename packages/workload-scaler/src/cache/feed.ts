import { keys } from '../workload/keys.ts';
import { ownSelector } from '../routing/routing.ts';
import type { PodInfo } from '../endpoints/pod-info.ts';
import { sameLabels, type Workload } from '../workload/workload.ts';
import type { ServiceInfo } from '../routing/service-info.ts';
import type { SliceInfo } from '../routing/slices.ts';
import type { StoreEvent } from '@scaler/kube';
import type { ResourceRef } from '@scaler/scaler-types';
import type { Dependencies } from '../dependencies.ts';
import { pairsOf } from './stores.ts';
import { isDeepStrictEqual } from 'node:util';
import type { HttpRouteInfo } from '../hosts/http-route.ts';

/**
 * Has a resource looked at whenever something in the stores changed that may concern it. Returns how to stop.
 * The DLX wants to know phases and ports alone; pods it hears of through their endpoints.
 */
export function feed(deps: Dependencies): () => void {
  const { stores, namespaces, lookup, enqueue, role } = deps;
  const service = (one: ServiceInfo): void => lookup.resourcesOf(one).forEach((ref) => enqueue(ref));
  const stops = [
    ...stores.workloads.map(({ store }) =>
      store.subscribe((event) => {
        // A token that moved is most of what happens: the Services of it are the same.
        enqueue(event.object);
        if (isNew(event)) for (const other of neighbours(deps, event.object)) enqueue(other);
      }),
    ),
    // What they say for all changes seldom.
    namespaces.subscribe((name) => {
      for (const { workload } of lookup.all()) if (workload.namespace === name) enqueue(workload);
    }),
    stores.services.subscribe((event) => {
      service(event.object);
      if (event.type === 'updated' && selectorOf(event.previous) !== selectorOf(event.object)) service(event.previous);
    }),
    stores.slices.subscribe((event) => {
      if (role === 'dlx' && event.type === 'updated' && leadsAlike(event.previous, event.object)) return;
      const { namespace, service: name, resource } = event.object;
      if (resource !== undefined) enqueue({ namespace, name: resource });
      const found = stores.services.get(namespace, name);
      if (found !== undefined) service(found);
    }),
    ...feedRoutes(deps),
  ];
  if (role === 'autoscaler') stops.push(...feedRouting(deps));
  return () => stops.forEach((stop) => stop());
}

function feedRouting(deps: Dependencies): (() => void)[] {
  const { stores, lookup, enqueue, dlx } = deps;
  const everything = (): void => lookup.refs().forEach((ref) => enqueue(ref));
  const subscribed = [
    // Only who is there matters, for sharing and meshes: not how each of them does.
    stores.pods.subscribe((event) => {
      if (event.type !== 'updated') behindPod(deps, event.object).forEach((ref) => enqueue(ref));
    }),
    dlx?.subscribe((port) => {
      if (port === undefined) everything();
      else for (const { store } of stores.workloads) store.byIndex('port', `${port}`).forEach((one) => enqueue(one));
    }),
  ];
  return subscribed.filter((stop) => stop !== undefined);
}

// A rollout of the DLX writes each slice twice, for the addresses alone.
function leadsAlike(a: SliceInfo, b: SliceInfo): boolean {
  const text = ({ ownerUid, resource, ports }: SliceInfo): string => JSON.stringify([ownerUid, resource, ports]);
  return text(a) === text(b);
}

function isNew(event: StoreEvent<Workload>): boolean {
  return event.type !== 'updated' || !sameLabels(event.previous.templateLabels, event.object.templateLabels);
}

// Whether a Service is shared depends on every workload behind it.
function neighbours(
  { stores, lookup }: Dependencies,
  { namespace, templateLabels, uid }: Workload,
): readonly ResourceRef[] {
  const services = pairsOf(namespace, templateLabels).flatMap((pair) => stores.services.byIndex('selector', pair));
  // By what the Services select and not by each of them: there may be as many as there are workloads.
  const bySelector = new Map(services.map((one) => [JSON.stringify(ownSelector(one)), one]));
  const behind = [...bySelector.values()].flatMap((one) => lookup.workloadsBehind(one));
  return [...new Set(behind)].filter((one) => one.uid !== uid);
}

function behindPod({ stores }: Dependencies, { namespace, labels }: PodInfo): readonly ResourceRef[] {
  const workloads = pairsOf(namespace, labels).flatMap((pair) =>
    stores.workloads.flatMap(({ store }) => store.byIndex('label', pair)),
  );
  return [...new Set(workloads)];
}

function selectorOf(service: ServiceInfo): string {
  return JSON.stringify([ownSelector(service), service.selector?.[keys.asleep] !== undefined]);
}

interface Named {
  readonly namespace: string;
  readonly services: readonly string[];
}

/** Has resources looked at when an Ingress, an HTTPRoute, a Gateway or a target group changed that may name them. Returns how to stop. */
export function feedRoutes({ stores, lookup, enqueue }: Dependencies): (() => void)[] {
  const { services, ingresses, httpRoutes, gateways, ingressClasses, gatewayClasses, targetGroups, workloads } = stores;
  const lookBehind = (namespace: string, name: string): void => {
    const found = services.get(namespace, name);
    if (found !== undefined) lookup.resourcesOf(found).forEach((ref) => enqueue(ref));
  };
  const look = ({ namespace, services: named }: Named): void => {
    for (const name of named) lookBehind(namespace, name);
    // Which hosts they may have depends on every route of the namespace.
    for (const { store } of workloads) store.byIndex('hosts', namespace).forEach((workload) => enqueue(workload));
  };
  const lookAtBoth = <T extends Named>(event: StoreEvent<T>): void => {
    if (isSame(event)) return;
    look(event.object);
    if (event.type === 'updated') look(event.previous);
  };
  const routesOn = (namespace: string, name: string): readonly HttpRouteInfo[] =>
    httpRoutes.byIndex('gateway', `${namespace}/${name}`);
  return [
    ingresses.subscribe(lookAtBoth),
    httpRoutes.subscribe(lookAtBoth),
    ...targetGroups.map((store) =>
      store.subscribe((event) => {
        if (!isSame(event)) lookBehind(event.object.namespace, event.object.service);
      }),
    ),
    ...[ingressClasses, gatewayClasses].map((store) =>
      store.subscribe((event) => {
        // Classes are few, and seldom change.
        if (!isSame(event)) for (const one of [...ingresses.list(), ...httpRoutes.list()]) look(one);
      }),
    ),
    gateways.subscribe((event) => {
      if (!isSame(event)) routesOn(event.object.namespace, event.object.name).forEach(look);
    }),
  ];
}

// Their controllers write the status often, of which little is kept.
function isSame(event: StoreEvent<object>): boolean {
  return event.type === 'updated' && isDeepStrictEqual(event.previous, event.object);
}
