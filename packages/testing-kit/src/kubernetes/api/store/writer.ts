import { alreadyExists, FakeApiError, notFound } from '../errors.ts';
import { type Kind, qualifiedResource } from '../kinds.ts';
import { jsonCopy, type KubeObject, type NewObject } from '../object.ts';
import { Cascade } from './cascade.ts';
import { afterDelete, checkPreconditions, isFree } from './deletion.ts';
import { type Ledger } from './ledger.ts';
import { type Means, prepareCreate, prepareUpdate, type UpdateWay } from './prepare.ts';
import { type DeleteOptions, type DeleteResult, type WriteOptions } from './types.ts';

const generateNameAttempts = 8;

/** The writes, each from the request to the stored object. */
export class Writer {
  readonly #ledger: Ledger;
  readonly #means: Means;
  readonly #cascade: Cascade;

  constructor(ledger: Ledger, means: Means) {
    this.#ledger = ledger;
    this.#means = means;
    this.#cascade = new Cascade(ledger, {
      delete: (kind, object, propagationPolicy) => {
        const current = this.#current(kind, object);
        if (current !== undefined) this.delete(kind, current, { propagationPolicy });
      },
      release: (kind, object, change) => this.#release(kind, object, change),
    });
  }

  must(kind: Kind, namespace: string, name: string): KubeObject {
    const object = this.#ledger.find(kind, namespace, name);
    if (object === undefined) throw notFound(kind, name);
    return object;
  }

  create(kind: Kind, given: NewObject, { dryRun = false, manager }: WriteOptions): KubeObject {
    const namespace = this.#checkNamespace(kind, given);
    for (let attempt = 1; ; attempt += 1) {
      const object = prepareCreate(kind, given, this.#means, manager);
      if (namespace === '') delete object.metadata.namespace;
      const { name } = object.metadata;
      if (this.#ledger.find(kind, namespace, name) === undefined) {
        return dryRun ? withoutVersion(object) : this.#ledger.put(kind, object, undefined);
      }
      if (given.metadata.name !== undefined || attempt === generateNameAttempts) throw alreadyExists(kind, name);
    }
  }

  update(
    kind: Kind,
    given: NewObject,
    old: KubeObject,
    way: UpdateWay,
    { dryRun = false, manager }: WriteOptions,
  ): KubeObject {
    const object = prepareUpdate(kind, given, old, { ...way, manager }, this.#means);
    if (object === old || dryRun) return object;
    if (!isFree(object)) return this.#ledger.put(kind, object, old);
    this.#remove(kind, old);
    return object;
  }

  delete(kind: Kind, given: KubeObject, options: DeleteOptions): DeleteResult {
    checkPreconditions(kind, given, options);
    const dryRun = options.dryRun === true;
    if (options.propagationPolicy === 'Orphan' && !dryRun) this.#cascade.orphan(given);
    const object = this.#current(kind, given) ?? given;
    const left = afterDelete(kind, object, options, this.#means.now());
    if (dryRun) return { object: left ?? object, removed: left === undefined };
    if (left === undefined) return { object: this.#remove(kind, object), removed: true };
    if (left === object) return { object, removed: false };
    const kept = this.#ledger.put(kind, jsonCopy(left), object);
    if (!isFree(kept)) {
      this.#cascade.begin(kind, kept);
      return { object: kept, removed: false };
    }
    // Watchers see a pod terminate before it is gone; one of them may have deleted it meanwhile.
    const last = this.#current(kind, kept);
    return { object: last === undefined ? kept : this.#remove(kind, last), removed: true };
  }

  #current(kind: Kind, { metadata }: KubeObject): KubeObject | undefined {
    const found = this.#ledger.find(kind, metadata.namespace ?? '', metadata.name);
    return found?.metadata.uid === metadata.uid ? found : undefined;
  }

  /** The namespace that a new object goes to; `''` for kinds without one. */
  #checkNamespace(kind: Kind, { metadata }: NewObject): string {
    if (!kind.namespaced) return '';
    const { name, deletionTimestamp } = this.must(
      this.#ledger.kind('v1/namespaces'),
      '',
      metadata.namespace ?? '',
    ).metadata;
    if (deletionTimestamp === undefined) return name;
    const why = `unable to create new content in namespace ${name} because it is being terminated`;
    const message = `namespace ${name} is being terminated`;
    throw new FakeApiError('Forbidden', `${qualifiedResource(kind)} "${metadata.name ?? ''}" is forbidden: ${why}`, {
      name: metadata.name,
      kind: kind.resource,
      causes: [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }],
    });
  }

  #release(kind: Kind, object: KubeObject, change: (object: KubeObject) => void): void {
    const current = this.#current(kind, object);
    if (current === undefined) return;
    const next = jsonCopy(current);
    change(next);
    for (const list of ['finalizers', 'ownerReferences'] as const) {
      if (next.metadata[list]?.length === 0) delete next.metadata[list];
    }
    if (isFree(next)) this.#remove(kind, current);
    else this.#ledger.put(kind, next, current);
  }

  #remove(kind: Kind, object: KubeObject): KubeObject {
    const removed = this.#ledger.remove(kind, object);
    this.#cascade.removed();
    return removed;
  }
}

function withoutVersion(object: KubeObject): KubeObject {
  const { resourceVersion: _none, ...metadata } = object.metadata;
  return { ...object, metadata } as KubeObject;
}
