import { type Controller, createController } from './controller.ts';
import type { ControllerContext } from './deployment-controller.ts';
import type { KubeObject, OwnerReference } from '../objects.ts';
import {
  type ClusterStore,
  deployments,
  endpointSlices,
  type Gvr,
  pods,
  replicaSets,
  services,
  statefulSets,
} from '../store.ts';

const owners: Readonly<Record<string, Gvr>> = {
  Deployment: deployments,
  ReplicaSet: replicaSets,
  StatefulSet: statefulSets,
  Service: services,
  Pod: pods,
};
const dependents: readonly Gvr[] = [replicaSets, pods, endpointSlices, services];

/** Whether none of an object's owners is there any more; one of a kind that is not known here counts as there. */
function isOrphan(store: ClusterStore, { metadata }: KubeObject): boolean {
  const { namespace = '', ownerReferences = [] } = metadata;
  const exists = (owner: OwnerReference): boolean => {
    const gvr = owners[owner.kind];
    return gvr === undefined || store.get(gvr, namespace, owner.name)?.metadata.uid === owner.uid;
  };
  return ownerReferences.length > 0 && !ownerReferences.some(exists);
}

/** Deletes, in the background, the dependents of objects that are gone. */
export function createGarbageCollector({ store, clock, lagMs, onError }: ControllerContext): Controller {
  return createController({
    name: 'garbage-collector',
    clock,
    lagMs,
    onError,
    reconcile(namespace) {
      for (const gvr of dependents) {
        for (const object of store.list<KubeObject>(gvr, namespace)) {
          const { name = '', deletionTimestamp } = object.metadata;
          if (deletionTimestamp === undefined && isOrphan(store, object)) store.delete(gvr, namespace, name);
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
      store.watch(gvr, ({ type, object }) => type === 'ADDED' && isOrphan(store, object) && sweep(object)),
    ),
  ];
}
