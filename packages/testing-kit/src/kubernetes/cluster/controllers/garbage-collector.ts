import type { MakeControl } from './controller.ts';
import type { AnyObject, OwnerReference } from '../../api/object.ts';
import type { Store } from '../../api/store/store.ts';
import { deployments, endpointSlices, pods, replicaSets, services, statefulSets } from '../objects.ts';

const owners: Readonly<Record<string, string>> = {
  Deployment: deployments,
  ReplicaSet: replicaSets,
  StatefulSet: statefulSets,
  Service: services,
  Pod: pods,
};
const dependents = [replicaSets, pods, endpointSlices, services];

/** Whether none of an object's owners is there any more; one of a kind that is not known here counts as there. */
function isOrphan(store: Store, { metadata }: AnyObject): boolean {
  const { namespace = '', ownerReferences = [] } = metadata;
  const exists = (owner: OwnerReference): boolean => {
    const gvr = owners[owner.kind];
    return gvr === undefined || store.find(gvr, namespace, owner.name)?.metadata.uid === owner.uid;
  };
  return ownerReferences.length > 0 && !ownerReferences.some(exists);
}

/** Deletes, in the background, the dependents of objects that are gone. */
export const collectGarbage: MakeControl = ({ store, enqueue }) => {
  const sweep = ({ metadata }: AnyObject): void => enqueue(`${metadata.namespace ?? ''}/*`);
  return {
    reconcile(namespace) {
      for (const gvr of dependents) {
        for (const object of store.list(gvr, { namespace }).items) {
          const { name, deletionTimestamp } = object.metadata;
          if (deletionTimestamp === undefined && isOrphan(store, object)) store.delete(gvr, namespace, name);
        }
      }
    },
    /** An owner that went, a dependent that came too late. */
    watch: () => [
      ...Object.values(owners).map((gvr) =>
        store.watch(gvr, ({ type, object }) => type === 'DELETED' && sweep(object)),
      ),
      ...dependents.map((gvr) =>
        store.watch(gvr, ({ type, object }) => type === 'ADDED' && isOrphan(store, object) && sweep(object)),
      ),
    ],
  };
};
