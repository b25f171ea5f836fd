import type { IncomingMessage } from 'node:http';
import type { CallOptions } from './caller.ts';
import type { Kind, ObjectRef, Scale } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/wire.ts';
import type { PatchOperation } from '../objects/json-patch.ts';
import type { Query } from './paths.ts';

/** A selection of the objects of a kind. */
export interface Selection {
  /** Left out: all namespaces. */
  readonly namespace?: string | undefined;
  /** `app=shop,tier in (web)` */
  readonly labelSelector?: string | undefined;
}

export interface ListOptions<T, U> extends CallOptions, Selection {
  /** `metadata.name=shop` */
  readonly fieldSelector?: string | undefined;
  /** Objects per request; default 500. */
  readonly pageSize?: number | undefined;
  /** Returns what is kept of each object, so that the rest can be freed at once. An error that it throws ends the list. */
  readonly trim: (object: T) => U;
}

export interface ListResult<U> {
  readonly items: U[];
  /** The resourceVersion at which a watch goes on. */
  readonly resourceVersion: string;
}

export interface DeleteOptions extends CallOptions {
  /** Delete only this very object, or this very version of it; otherwise `conflict`. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
}

export interface RawOptions extends CallOptions {
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string | undefined;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** The API ends the watch after this. */
  readonly timeoutSeconds: number;
  /** Ends the watch; abort it when done. */
  readonly signal: AbortSignal;
}

/**
 * Calls the Kubernetes API. Every call has a time limit, rejects with a `KubeError`, and uses the budget of its lane.
 * Reads are retried a few times within their limit; a write never, unless the API answered that it did nothing (429).
 * A write whose answer is lost rejects with `write-outcome-unknown`, and the caller reads again.
 */
export interface KubeClient {
  /** Base address of the API server. */
  readonly server: URL;
  /** Namespace of the context; in a pod, the pod's own. */
  readonly namespace: string | undefined;
  get<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** All objects, in pages. A list whose continue token expires starts again. Items come without `apiVersion` and `kind`. */
  list<T extends KubeObject, U>(kind: Kind<T>, options: ListOptions<T, U>): Promise<ListResult<U>>;
  /** All objects, page by page; `gone` when the continue token expires. */
  pages<T extends KubeObject, U>(kind: Kind<T>, options: ListOptions<T, U>): AsyncGenerator<ListResult<U>>;
  /** Creates the object in its `metadata.namespace`. */
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: CallOptions): Promise<T>;
  /** With `metadata.resourceVersion` set, `conflict` unless that is the current one. */
  replace<T extends KubeObject>(kind: Kind<T>, object: T, options?: CallOptions): Promise<T>;
  /** A JSON patch for a list of operations, a merge patch for an object. */
  patch<T extends KubeObject>(
    kind: Kind<T>,
    ref: ObjectRef,
    patch: readonly PatchOperation[] | object,
    options?: CallOptions,
  ): Promise<T>;
  delete(kind: Kind, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Writes the subresource `scale`; `conflict` unless the object still has this resourceVersion. */
  putScale(
    kind: Kind,
    ref: ObjectRef,
    scale: { readonly replicas: number; readonly resourceVersion: string },
    options?: CallOptions,
  ): Promise<Scale>;
  /** Any path of the API; resolves with the parsed answer. */
  request(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options?: RawOptions): Promise<unknown>;
  /** Opens a watch, for `watchStore`: resolves with the stream once the API accepted it. */
  openWatch(kind: Kind, options: WatchOptions): Promise<IncomingMessage>;
  /** Keeps connections of the `wake` lane open until `signal` aborts, so that a wake finds one. */
  warm(signal: AbortSignal): Promise<void>;
  /** Closes all sockets; calls that are under way fail. */
  close(): void;
}
