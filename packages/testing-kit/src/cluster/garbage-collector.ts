import { type Controller, createController } from './controller.ts';
import type { ControllerContext } from './deployment-controller.ts';
import type { KubeObject, OwnerReference } from './objects.ts';
import {
  type ClusterStore,
  deployments,
  endpointSlices,
  type Gvr,
  pods,
  replicaSets,
  services,
  statefulSets,
} from './store.ts';

const owners: Readonly<Record<string, Gvr>> = {
  Deployment: deployments,
  ReplicaSet: replicaSets,
  StatefulSet: statefulSets,
  Service: services,
  Pod: pods,
};
const dependents: readonly Gvr[] = [replicaSets, pods, endpointSlices, services];

/** Deletes, in the background, what belonged to objects that are gone. */
export function createGarbageCollector({ store, clock, lagMs, onError }: ControllerContext): Controller {
  const exists = (namespace: string, owner: OwnerReference): boolean => {
    const gvr = owners[owner.kind];
    // Of a kind it does not know, an owner counts as there.
    return gvr === undefined || store.get(gvr, namespace, owner.name)?.metadata.uid === owner.uid;
  };
  return createController({
    name: 'garbage-collector',
    clock,
    lagMs,
    onError,
    reconcile(namespace) {
      for (const gvr of dependents) {
        for (const { metadata } of store.list<KubeObject>(gvr, namespace)) {
          const references = metadata.ownerReferences ?? [];
          if (references.length === 0 || metadata.deletionTimestamp !== undefined) continue;
          if (!references.some((owner) => exists(namespace, owner))) store.delete(gvr, namespace, metadata.name ?? '');
        }
      }
    },
  });
}

/** Wires a garbage collector to the changes it acts on: an owner that went, a dependent that came too late. */
export function watchForGarbage(store: ClusterStore, controller: Controller): (() => void)[] {
  const sweep = (object: KubeObject): void => controller.enqueue(`${object.metadata.namespace ?? ''}/*`);
  const ownerGvrs = Object.values(owners);
  return [
    ...ownerGvrs.map((gvr) => store.watch(gvr, ({ type, object }) => type === 'DELETED' && sweep(object))),
    ...dependents.map((gvr) =>
      store.watch(gvr, ({ type, object }) => type === 'ADDED' && object.metadata.ownerReferences && sweep(object)),
    ),
  ];
}
