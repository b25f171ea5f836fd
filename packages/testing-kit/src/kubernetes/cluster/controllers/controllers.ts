import { type Controller, type ControllerContext, type MakeControl, startController } from './controller.ts';
import { controlDeployments } from './deployment-controller.ts';
import { controlEndpointSlices } from './endpointslice-controller.ts';
import { collectGarbage } from './garbage-collector.ts';
import { controlReplicaSets } from './replicaset-controller.ts';
import { controlStatefulSets } from './statefulset-controller.ts';

const controls = {
  deployment: controlDeployments,
  replicaset: controlReplicaSets,
  statefulset: controlStatefulSets,
  endpointslice: controlEndpointSlices,
  'garbage-collector': collectGarbage,
} as const satisfies Record<string, MakeControl>;

/** The controllers of the simulated cluster. */
export type ControllerName = keyof typeof controls;

/** How long after a change a controller acts, in milliseconds: one value for all, or for some; the others' is 0. */
export type ControllerLag = number | Partial<Record<ControllerName, number>>;

/** Their lags may be changed at any time. */
export type Controllers = Readonly<Record<ControllerName, Controller>>;

export function startControllers(context: ControllerContext, lag: ControllerLag): Controllers {
  const started = Object.entries(controls).map(([name, control]) => {
    const lagMs = typeof lag === 'number' ? lag : (lag[name as ControllerName] ?? 0);
    return [name, startController(name, control, context, lagMs)];
  });
  return Object.fromEntries(started) as Controllers;
}

export function closeControllers(controllers: Controllers): void {
  for (const controller of Object.values(controllers)) controller.close();
}
