import { type AnyObject, type KubeObject } from '../object.ts';
import { type PatchType } from '../patch/patch.ts';

/** How a list, and so a watch, is narrowed. Selectors are in their textual form. */
export type Selection = {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
};

/** Options of a list; `limit` and `continue` page through one consistent snapshot. */
export type ListOptions = Selection & {
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
};

/** A page of a list, in the order of `namespace/name`. */
export type ListResult<T extends AnyObject = KubeObject> = {
  items: T[];
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
};

/** A change as one watcher sees it: an object that leaves its selector is DELETED for it, with the last state it saw. */
export type WatchEvent<T extends AnyObject = KubeObject> = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
  resourceVersion: number;
};

/** Called once per change, in order, before the write that caused it has returned. */
export type WatchListener<T extends AnyObject = KubeObject> = (event: WatchEvent<T>) => void;

/** Options of a watch. Without `resourceVersion` (or with `0`) it starts with an ADDED for every object. */
export type WatchOptions = Selection & { resourceVersion?: string | undefined };

/** `dryRun` does everything but the write. `manager` is the writer in `metadata.managedFields`; default: none. */
export type WriteOptions = { dryRun?: boolean; manager?: string | undefined };

/** Options of an update and a patch. */
export type UpdateOptions = WriteOptions & { subresource?: 'status' | undefined };

/** Options of a deletion, as in `DeleteOptions`. */
export type DeleteOptions = WriteOptions & {
  gracePeriodSeconds?: number | undefined;
  preconditions?: { uid?: string; resourceVersion?: string } | undefined;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
};

/** A patch: `body` is a list of operations for `json`, an object for the others. */
export type Patch = { type: PatchType; body: unknown };

/** `removed` is false when the object only began to go: a pod in its grace period, an object with finalizers. */
export type DeleteResult = { object: KubeObject; removed: boolean };
