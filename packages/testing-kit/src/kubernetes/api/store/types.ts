import { type Kind } from '../kinds.ts';
import { type KubeObject, type NewObject } from '../object.ts';
import { type PatchType } from '../patch/patch.ts';

/** How a list, and so a watch, is narrowed. Selectors are in their textual form. */
export type Selection = { namespace?: string; labelSelector?: string; fieldSelector?: string };

/** Options of a list; `limit` and `continue` page through one consistent snapshot. */
export type ListOptions = Selection & {
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: string;
};

/** A page of a list, in the order of `namespace/name`. */
export type ListResult = {
  items: KubeObject[];
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
};

/** A change as one watcher sees it: an object that leaves its selector is DELETED for it, with the last state it saw. */
export type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject; resourceVersion: number };

/** Called once per change, in order, before the write that caused it has returned. */
export type WatchListener = (event: WatchEvent) => void;

/** Options of a watch. Without `resourceVersion` (or with `0`) it starts with an ADDED for every object. */
export type WatchOptions = Selection & { resourceVersion?: string | undefined };

/** `dryRun` does everything but the write. `manager` is the writer in `metadata.managedFields`; default: none. */
export type WriteOptions = { dryRun?: boolean; manager?: string | undefined };

/** Options of an update and a patch. */
export type UpdateOptions = WriteOptions & { subresource?: 'status' };

/** Options of a deletion, as in `DeleteOptions`. */
export type DeleteOptions = WriteOptions & {
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
};

/** A patch: `body` is a list of operations for `json`, an object for the others. */
export type Patch = { type: PatchType; body: unknown };

/** `removed` is false when the object only began to go: a pod in its grace period, an object with finalizers. */
export type DeleteResult = { object: KubeObject; removed: boolean };

/**
 * The objects of a fake API, read and written within this process: what HTTP does once it is parsed. Everything is
 * synchronous, so that a read and a write after it are one step. Every refusal is a `FakeApiError` whose `code` is the
 * Status reason (`NotFound`, `AlreadyExists`, `Conflict`, `Invalid` ...).
 * `gvr` is `v1/pods` or `apps/v1/deployments`; `namespace` is `''` for kinds without one.
 */
export type Store = {
  /** The version of the last write of all. */
  readonly resourceVersion: number;
  readonly kinds: readonly Kind[];
  /** Adds a kind, say one of a CustomResourceDefinition. */
  register(kind: Kind): void;
  get<T extends KubeObject = KubeObject>(gvr: string, namespace: string, name: string): T;
  /** Like `get`, but `undefined` where there is no such object. */
  find<T extends KubeObject = KubeObject>(gvr: string, namespace: string, name: string): T | undefined;
  list(gvr: string, options?: ListOptions): ListResult;
  create<T extends KubeObject = KubeObject>(gvr: string, object: NewObject, options?: WriteOptions): T;
  /** Replaces an object; with a `metadata.resourceVersion`, only that version. */
  update<T extends KubeObject = KubeObject>(gvr: string, object: NewObject, options?: UpdateOptions): T;
  patch<T extends KubeObject = KubeObject>(
    gvr: string,
    namespace: string,
    name: string,
    patch: Patch,
    options?: UpdateOptions,
  ): T;
  delete(gvr: string, namespace: string, name: string, options?: DeleteOptions): DeleteResult;
  /** Deletes the selected objects, and returns them. */
  deleteCollection(gvr: string, selection?: Selection, options?: DeleteOptions): KubeObject[];
  getScale(gvr: string, namespace: string, name: string): KubeObject;
  updateScale(gvr: string, namespace: string, name: string, scale: NewObject, options?: WriteOptions): KubeObject;
  patchScale(gvr: string, namespace: string, name: string, patch: Patch, options?: WriteOptions): KubeObject;
  /** Watches a kind; the answer ends it. Throws Expired where the start was compacted. */
  watch(gvr: string, listener: WatchListener, options?: WatchOptions): () => void;
  /** Forgets the history up to the present (or up to `resourceVersion`): watches and pages from before it get 410. */
  compact(resourceVersion?: number): void;
};
