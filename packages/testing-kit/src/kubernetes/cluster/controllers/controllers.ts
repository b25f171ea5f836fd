import type { Controller } from './controller.ts';
import { type ControllerContext, createDeploymentController, watchForDeployments } from './deployment-controller.ts';
import { createEndpointSliceController, watchForEndpointSlices } from './endpointslice-controller.ts';
import { createGarbageCollector, watchForGarbage } from './garbage-collector.ts';
import { createReplicaSetController, watchForReplicaSets } from './replicaset-controller.ts';
import { createStatefulSetController, watchForStatefulSets } from './statefulset-controller.ts';
import type { ClusterStore } from '../store.ts';

const makers = {
  deployment: [createDeploymentController, watchForDeployments],
  replicaset: [createReplicaSetController, watchForReplicaSets],
  statefulset: [createStatefulSetController, watchForStatefulSets],
  endpointslice: [createEndpointSliceController, watchForEndpointSlices],
  'garbage-collector': [createGarbageCollector, watchForGarbage],
} as const satisfies Record<
  string,
  readonly [(context: ControllerContext) => Controller, (store: ClusterStore, controller: Controller) => (() => void)[]]
>;

/** The controllers of the simulated cluster. */
export type ControllerName = keyof typeof makers;

/** How long after a change a controller acts, in milliseconds: one value for all, or for some; the others' is 0. */
export type ControllerLag = number | Partial<Record<ControllerName, number>>;

export interface Controllers {
  /** Their lags may be changed at any time. */
  readonly byName: Readonly<Record<ControllerName, Controller>>;
  close(): void;
}

export function startControllers(context: Omit<ControllerContext, 'lagMs'>, lag: ControllerLag): Controllers {
  const unwatch: (() => void)[] = [];
  const started = Object.entries(makers).map(([name, [create, watch]]) => {
    const lagMs = typeof lag === 'number' ? lag : (lag[name as ControllerName] ?? 0);
    const controller = create({ ...context, lagMs });
    unwatch.push(...watch(context.store, controller));
    return [name, controller] as const;
  });
  const byName = Object.fromEntries(started) as Record<ControllerName, Controller>;
  return {
    byName,
    close() {
      for (const end of unwatch) end();
      for (const [, controller] of started) controller.close();
    },
  };
}
