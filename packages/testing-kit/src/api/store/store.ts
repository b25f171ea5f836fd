import { type Clock } from '@scaler/scaler-types';
import { alreadyExists, FakeApiError, notFound } from '../errors.ts';
import { gvrOf, type Kind, qualifiedResource } from '../kinds.ts';
import { jsonCopy, type KubeObject, type NewObject } from '../object.ts';
import { applyPatch } from '../patch/patch.ts';
import { Cascade } from './cascade.ts';
import { type AllocateClusterIp } from './defaults.ts';
import { afterDelete, checkPreconditions, isFree } from './deletion.ts';
import { Ledger } from './ledger.ts';
import { listPage, parseVersion, selectorOf } from './listing.ts';
import { type Means, prepareCreate, prepareUpdate, type UpdateWay } from './prepare.ts';
import { scaleOf, withScale } from './scale.ts';
import { type DeleteOptions, type DeleteResult, type Store, type WriteOptions } from './types.ts';

/** What a store is made from. */
export type StoreOptions = {
  clock: Clock;
  kinds: readonly Kind[];
  /** 0 ≤ x < 1; names and fault probabilities come from it. */
  random(): number;
  allocateClusterIp: AllocateClusterIp;
  /** How many writes watches and pages can go back. */
  historyWindow: number;
};

const generateNameAttempts = 8;

/** The writes, each from what was asked to what is kept. */
class Writer {
  readonly ledger: Ledger;
  readonly #means: Means;
  readonly #cascade: Cascade;

  constructor(ledger: Ledger, means: Means) {
    this.ledger = ledger;
    this.#means = means;
    this.#cascade = new Cascade(ledger, {
      delete: (kind, object, propagationPolicy) => this.delete(kind, object, { propagationPolicy }),
      release: (kind, object, metadata) => this.#release(kind, object, metadata),
    });
  }

  must(kind: Kind, namespace: string, name: string): KubeObject {
    const object = this.ledger.find(kind, namespace, name);
    if (object === undefined) throw notFound(kind, name);
    return object;
  }

  create(kind: Kind, given: NewObject, { dryRun = false }: WriteOptions): KubeObject {
    const namespace = this.#checkNamespace(kind, given);
    for (let attempt = 1; ; attempt += 1) {
      const object = prepareCreate(kind, given, this.#means);
      if (namespace === undefined) delete object.metadata.namespace;
      const { name } = object.metadata;
      if (this.ledger.find(kind, namespace ?? '', name) === undefined)
        return dryRun ? withoutVersion(object) : this.ledger.put(kind, object, undefined);
      if (given.metadata.name !== undefined || attempt === generateNameAttempts) throw alreadyExists(kind, name);
    }
  }

  update(kind: Kind, given: NewObject, old: KubeObject, way: UpdateWay, { dryRun = false }: WriteOptions): KubeObject {
    const object = prepareUpdate(kind, given, old, way, this.#means);
    if (object === old || dryRun) return object;
    if (isFree(object)) {
      this.#remove(kind, old);
      return object;
    }
    return this.ledger.put(kind, object, old);
  }

  delete(kind: Kind, object: KubeObject, options: DeleteOptions): DeleteResult {
    checkPreconditions(kind, object, options);
    const isNamespace = gvrOf(kind) === 'v1/namespaces';
    // A namespace has its own finalizer, in `spec`; here it waits like an owner in a foreground deletion.
    const left = afterDelete(
      kind,
      object,
      isNamespace ? { ...options, propagationPolicy: 'Foreground' } : options,
      this.#means.now(),
    );
    if (options.dryRun === true) return { object: left ?? object, removed: left === undefined };
    if (options.propagationPolicy === 'Orphan') this.#cascade.orphan(object);
    if (left === undefined) return { object: this.#remove(kind, object), removed: true };
    if (left === object) return { object, removed: false };
    const marked = isNamespace ? { ...left, status: { phase: 'Terminating' } } : left;
    const kept = this.ledger.put(kind, jsonCopy(marked), object);
    if (kept.metadata.finalizers?.includes('foregroundDeletion') === true) this.#cascade.begin(kind, kept);
    return { object: kept, removed: false };
  }

  #checkNamespace(kind: Kind, { metadata }: NewObject): string | undefined {
    if (!kind.namespaced) return undefined;
    const name = metadata.namespace ?? '';
    const namespaces = this.ledger.kind('v1/namespaces');
    const { deletionTimestamp } = this.must(namespaces, '', name).metadata;
    if (deletionTimestamp === undefined) return name;
    const why = `unable to create new content in namespace ${name} because it is being terminated`;
    throw new FakeApiError('Forbidden', `${qualifiedResource(kind)} "${metadata.name ?? ''}" is forbidden: ${why}`, {
      kind: kind.resource,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${name} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    });
  }

  #release(kind: Kind, object: KubeObject, metadata: Partial<KubeObject['metadata']>): void {
    const current = this.ledger.find(kind, object.metadata.namespace ?? '', object.metadata.name);
    if (current === undefined) return;
    const next = jsonCopy({ ...current, metadata: { ...current.metadata, ...metadata } });
    for (const list of ['finalizers', 'ownerReferences'] as const)
      if (next.metadata[list]?.length === 0) delete next.metadata[list];
    if (isFree(next)) this.#remove(kind, current);
    else this.ledger.put(kind, next, current);
  }

  #remove(kind: Kind, object: KubeObject): KubeObject {
    const removed = this.ledger.remove(kind, object);
    this.#cascade.removed();
    return removed;
  }
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _none, ...metadata } = object.metadata;
  return { ...object, metadata } as KubeObject;
}

function reads(ledger: Ledger, must: Writer['must']): Pick<Store, 'get' | 'find' | 'list' | 'getScale' | 'watch'> {
  return {
    get: <T extends KubeObject>(gvr: string, namespace: string, name: string) =>
      must(ledger.kind(gvr), namespace, name) as T,
    find: <T extends KubeObject>(gvr: string, namespace: string, name: string) =>
      ledger.find(ledger.kind(gvr), namespace, name) as T | undefined,
    list: (gvr, options = {}) => listPage(ledger, ledger.kind(gvr), options),
    getScale: (gvr, namespace, name) => scaleOf(ledger.kind(gvr), must(ledger.kind(gvr), namespace, name)),
    watch(gvr, listener, options = {}) {
      const kind = ledger.kind(gvr);
      return ledger.watch(kind, selectorOf(kind, options), listener, parseVersion(options.resourceVersion));
    },
  };
}

function writes(
  ledger: Ledger,
  writer: Writer,
): Pick<Store, 'create' | 'update' | 'patch' | 'delete' | 'deleteCollection' | 'updateScale' | 'patchScale'> {
  const scale = (kind: Kind, old: KubeObject, given: NewObject, options: WriteOptions): KubeObject =>
    scaleOf(kind, writer.update(kind, withScale(kind, old, given), old, { by: 'scale' }, options));
  return {
    create: <T extends KubeObject>(gvr: string, object: NewObject, options: WriteOptions = {}) =>
      writer.create(ledger.kind(gvr), object, options) as T,
    update<T extends KubeObject>(
      gvr: string,
      object: NewObject,
      { subresource, ...options }: { subresource?: 'status' } & WriteOptions = {},
    ) {
      const kind = ledger.kind(gvr);
      const { namespace = '', name = '' } = object.metadata;
      const found = ledger.find(kind, namespace, name);
      if (found === undefined && kind.createOnUpdate === true && subresource === undefined)
        return writer.create(kind, object, options) as T;
      const way = { by: 'put', ...(subresource === undefined ? {} : { subresource }) } as const;
      return writer.update(kind, object, found ?? writer.must(kind, namespace, name), way, options) as T;
    },
    patch<T extends KubeObject>(
      gvr: string,
      ...[namespace, name, { type, body }, { subresource, ...options } = {}]: DropFirst<Parameters<Store['patch']>>
    ) {
      const kind = ledger.kind(gvr);
      const old = writer.must(kind, namespace, name);
      const way = { by: 'patch', ...(subresource === undefined ? {} : { subresource }) } as const;
      return writer.update(kind, patched(type, old, body), old, way, options) as T;
    },
    delete: (gvr, namespace, name, options = {}) =>
      writer.delete(ledger.kind(gvr), writer.must(ledger.kind(gvr), namespace, name), options),
    deleteCollection(gvr, selection = {}, options = {}) {
      const kind = ledger.kind(gvr);
      return ledger
        .all(kind)
        .filter(selectorOf(kind, selection))
        .map((object) => {
          writer.delete(kind, object, options);
          return object;
        });
    },
    updateScale: (gvr, namespace, name, given, options = {}) =>
      scale(ledger.kind(gvr), writer.must(ledger.kind(gvr), namespace, name), given, options),
    patchScale(gvr, namespace, name, { type, body }, options = {}) {
      const kind = ledger.kind(gvr);
      const old = writer.must(kind, namespace, name);
      return scale(kind, old, patched(type, scaleOf(kind, old), body), options);
    },
  };
}

type DropFirst<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

function patched(type: Parameters<typeof applyPatch>[0], old: KubeObject, body: unknown): NewObject {
  const result = applyPatch(type, old, body);
  const { name } = old.metadata;
  if (result.metadata?.name === name) return result;
  throw new FakeApiError(
    'BadRequest',
    `the name of the object (${result.metadata?.name ?? ''}) does not match the name on the URL (${name})`,
  );
}

/** Makes an empty store with the namespaces that every cluster has. */
export function createStore({ clock, kinds, random, allocateClusterIp, historyWindow }: StoreOptions): Store {
  const ledger = new Ledger(kinds, historyWindow);
  const writer = new Writer(ledger, { now: () => clock.now(), random, allocateClusterIp });
  const store: Store = {
    get resourceVersion() {
      return ledger.version;
    },
    get kinds() {
      return ledger.kinds;
    },
    register: (kind) => ledger.register(kind),
    ...reads(ledger, (kind, namespace, name) => writer.must(kind, namespace, name)),
    ...writes(ledger, writer),
    compact: (resourceVersion = ledger.version) => ledger.compact(resourceVersion),
  };
  for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
    store.create('v1/namespaces', { metadata: { name } });
  return store;
}
