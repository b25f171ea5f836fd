import type { NewObject } from '../api/object.ts';
import type { Store } from '../api/store/types.ts';
import type { KubeObject } from './objects.ts';

/** Which collection of the API: `apps/v1/deployments`, `v1/pods`. */
export type Gvr = string;

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/** The part of the API server's store that the simulated cluster uses. Objects read from it are never changed in place. */
export interface ClusterStore {
  get<T extends KubeObject>(gvr: Gvr, namespace: string, name: string): T | undefined;
  list<T extends KubeObject>(gvr: Gvr, namespace?: string): T[];
  create(gvr: Gvr, object: KubeObject): KubeObject;
  /** Replaces everything but the status. */
  update(gvr: Gvr, object: KubeObject): KubeObject;
  /** Replaces the status, and the annotations. */
  updateStatus(gvr: Gvr, object: KubeObject): KubeObject;
  /** Deletes; a pod on a node only gets its deletionTimestamp, unless `gracePeriodSeconds` is 0. */
  delete(gvr: Gvr, namespace: string, name: string, options?: { gracePeriodSeconds?: number }): void;
  /** Sends every object and then every change, in order. The returned function stops it. */
  watch(gvr: Gvr, listener: (event: StoreEvent) => void): () => void;
}

export const pods: Gvr = 'v1/pods';
export const services: Gvr = 'v1/services';
export const nodes: Gvr = 'v1/nodes';
export const deployments: Gvr = 'apps/v1/deployments';
export const replicaSets: Gvr = 'apps/v1/replicasets';
export const statefulSets: Gvr = 'apps/v1/statefulsets';
export const endpointSlices: Gvr = 'discovery.k8s.io/v1/endpointslices';

/** The API's store as the simulated cluster uses it. */
export function clusterStore(store: Store): ClusterStore {
  return {
    get: (gvr, namespace, name) => store.find(gvr, namespace, name) as never,
    list: (gvr, namespace) => store.list(gvr, namespace === undefined ? {} : { namespace }).items as never,
    create: (gvr, object) => store.create(gvr, object as NewObject) as never,
    update: (gvr, object) => store.update(gvr, object as NewObject) as never,
    updateStatus: (gvr, object) => store.update(gvr, object as NewObject, { subresource: 'status' }) as never,
    delete: (gvr, namespace, name, options) => void store.delete(gvr, namespace, name, options),
    watch: (gvr, listener) => store.watch(gvr, (event) => listener(event as unknown as StoreEvent)),
  };
}
