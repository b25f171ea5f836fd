import { type Clock } from '@scaler/scaler-types';
import { badRequest } from '../errors.ts';
import { type Kind } from '../kinds.ts';
import { type AnyObject, type KubeObject, type NewObject } from '../object.ts';
import { applyPatch } from '../patch/patch.ts';
import { type AllocateClusterIp } from './defaults.ts';
import { Ledger } from './ledger.ts';
import { listPage, parseVersion, selectorOf } from './listing.ts';
import { scaleOf, withScale } from './scale.ts';
import {
  type DeleteOptions,
  type DeleteResult,
  type ListOptions,
  type ListResult,
  type Patch,
  type Selection,
  type UpdateOptions,
  type WatchListener,
  type WatchOptions,
  type WriteOptions,
} from './types.ts';
import { Writer } from './writer.ts';

/** The parts of a store. */
export type StoreOptions = {
  clock: Clock;
  kinds: readonly Kind[];
  /** 0 ≤ x < 1; names and fault probabilities come from it. */
  random(): number;
  allocateClusterIp: AllocateClusterIp;
  /** How many writes watches and pages can go back. */
  historyWindow: number;
};

/**
 * The objects of a fake API, read and written within this process: what HTTP does once it is parsed. Everything is
 * synchronous, so that a read and a write after it are one step. Every refusal is a `FakeApiError` whose `code` is the
 * Status reason (`NotFound`, `AlreadyExists`, `Conflict`, `Invalid` ...).
 * `gvr` is `v1/pods` or `apps/v1/deployments`; `namespace` is `''` for kinds without one.
 */
export class Store {
  readonly #ledger: Ledger;
  readonly #writer: Writer;

  /** A store with the namespaces that every cluster has. */
  constructor({ clock, kinds, random, allocateClusterIp, historyWindow }: StoreOptions) {
    this.#ledger = new Ledger(kinds, historyWindow);
    this.#writer = new Writer(this.#ledger, { now: () => clock.now(), random, allocateClusterIp });
    for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
      this.create('v1/namespaces', { metadata: { name } });
  }

  /** The version of the last write of all. */
  get resourceVersion(): number {
    return this.#ledger.version;
  }

  get kinds(): readonly Kind[] {
    return this.#ledger.kinds;
  }

  /** Adds a kind, say one of a CustomResourceDefinition. */
  register(kind: Kind): void {
    this.#ledger.register(kind);
  }

  get<T extends AnyObject = KubeObject>(gvr: string, namespace: string, name: string): T {
    return this.#writer.must(this.#ledger.kind(gvr), namespace, name) as AnyObject as T;
  }

  /** Like `get`, but `undefined` where there is no such object. */
  find<T extends AnyObject = KubeObject>(gvr: string, namespace: string, name: string): T | undefined {
    return this.#ledger.find(this.#ledger.kind(gvr), namespace, name) as AnyObject as T | undefined;
  }

  list<T extends AnyObject = KubeObject>(gvr: string, options: ListOptions = {}): ListResult<T> {
    return listPage(this.#ledger, this.#ledger.kind(gvr), options) as ListResult<AnyObject> as ListResult<T>;
  }

  create<T extends AnyObject = KubeObject>(gvr: string, object: NewObject, options: WriteOptions = {}): T {
    return this.#writer.create(this.#ledger.kind(gvr), object, options) as AnyObject as T;
  }

  /** Replaces an object; with a `metadata.resourceVersion`, only that version. */
  update<T extends AnyObject = KubeObject>(
    gvr: string,
    object: NewObject,
    { subresource, ...options }: UpdateOptions = {},
  ): T {
    const kind = this.#ledger.kind(gvr);
    const { namespace = '', name = '' } = object.metadata;
    const mayCreate = kind.createOnUpdate === true && subresource === undefined;
    if (mayCreate && this.find(gvr, namespace, name) === undefined) return this.create(gvr, object, options);
    const old = this.get(gvr, namespace, name);
    return this.#writer.update(kind, object, old, { by: 'put', subresource }, options) as AnyObject as T;
  }

  patch<T extends AnyObject = KubeObject>(
    gvr: string,
    namespace: string,
    name: string,
    patch: Patch,
    { subresource, ...options }: UpdateOptions = {},
  ): T {
    const old = this.get(gvr, namespace, name);
    const way = { by: 'patch', subresource } as const;
    return this.#writer.update(this.#ledger.kind(gvr), patched(patch, old), old, way, options) as AnyObject as T;
  }

  delete(gvr: string, namespace: string, name: string, options: DeleteOptions = {}): DeleteResult {
    return this.#writer.delete(this.#ledger.kind(gvr), this.get(gvr, namespace, name), options);
  }

  /** Deletes the selected objects, and returns them. */
  deleteCollection(gvr: string, selection: Selection = {}, options: DeleteOptions = {}): KubeObject[] {
    const kind = this.#ledger.kind(gvr);
    const selected = this.#ledger.all(kind).filter(selectorOf(kind, selection));
    for (const object of selected) this.#writer.delete(kind, object, options);
    return selected;
  }

  getScale(gvr: string, namespace: string, name: string): KubeObject {
    return scaleOf(this.#ledger.kind(gvr), this.get(gvr, namespace, name));
  }

  updateScale(gvr: string, namespace: string, name: string, scale: NewObject, options: WriteOptions = {}): KubeObject {
    const kind = this.#ledger.kind(gvr);
    const old = this.get(gvr, namespace, name);
    return scaleOf(kind, this.#writer.update(kind, withScale(kind, old, scale), old, { by: 'scale' }, options));
  }

  patchScale(gvr: string, namespace: string, name: string, patch: Patch, options: WriteOptions = {}): KubeObject {
    const scale = patched(patch, this.getScale(gvr, namespace, name));
    return this.updateScale(gvr, namespace, name, scale, options);
  }

  /** Watches a kind; the answer ends it. Throws Expired where the start was compacted. */
  watch<T extends AnyObject = KubeObject>(
    gvr: string,
    listener: WatchListener<T>,
    options: WatchOptions = {},
  ): () => void {
    const kind = this.#ledger.kind(gvr);
    const from = parseVersion(options.resourceVersion);
    return this.#ledger.watch(kind, selectorOf(kind, options), listener as WatchListener<AnyObject>, from);
  }

  /** Forgets the history up to the present (or up to `resourceVersion`): watches and pages from before it get 410. */
  compact(resourceVersion = this.resourceVersion): void {
    this.#ledger.compact(resourceVersion);
  }
}

function patched({ type, body }: Patch, old: KubeObject): NewObject {
  const result: NewObject = applyPatch(type, old, body);
  const { name } = old.metadata;
  if (result.metadata?.name === name) return result;
  throw badRequest(
    `the name of the object (${result.metadata?.name ?? ''}) does not match the name on the URL (${name})`,
  );
}
