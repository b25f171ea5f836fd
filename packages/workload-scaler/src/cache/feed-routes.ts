import { isDeepStrictEqual } from 'node:util';
import type { StoreEvent } from '@scaler/kube';
import type { Dependencies } from '../dependencies.ts';
import type { HttpRouteInfo } from '../hosts/http-route.ts';

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
