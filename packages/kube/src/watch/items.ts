import type { Logger } from '@scaler/scaler-types';
import { isOlder } from './resource-version.ts';

/** A change of a store. `updated` and `deleted` carry what the store had before. */
export type StoreEvent<U> =
  | { readonly type: 'added'; readonly object: U }
  | { readonly type: 'updated'; readonly object: U; readonly previous: U }
  | { readonly type: 'deleted'; readonly object: U };

export type StoreListener<U> = (event: StoreEvent<U>) => void;

/** One object as the store takes it. */
export interface Item<U> {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  /** Undefined: the object is there but could not be trimmed, so the store has to do without it. */
  readonly object: U | undefined;
}

interface Kept<U> {
  readonly scope: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  readonly object: U;
}

/** Finds items by keys computed from them. */
class ItemIndex<U> {
  readonly #keysOf: (object: U) => readonly string[];
  /** Most keys have one item, and a set takes 200 bytes. */
  readonly #byKey = new Map<string, string | Set<string>>();

  constructor(keysOf: (object: U) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  add(id: string, object: U): void {
    for (const key of this.#keysOf(object)) {
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, id);
      else if (typeof known !== 'string') known.add(id);
      else if (known !== id) this.#byKey.set(key, new Set([known, id]));
    }
  }

  /** Takes the object that was added: its keys are computed again, so `keysOf` must depend on the object alone. */
  remove(id: string, object: U): void {
    for (const key of this.#keysOf(object)) {
      const known = this.#byKey.get(key);
      if (known === id) this.#byKey.delete(key);
      else if (known instanceof Set && known.delete(id) && known.size === 0) this.#byKey.delete(key);
    }
  }

  ids(key: string): Iterable<string> {
    const known = this.#byKey.get(key) ?? [];
    return typeof known === 'string' ? [known] : known;
  }
}

/** The objects of a store, its indexes and its listeners. */
export class Items<U> {
  readonly #kept = new Map<string, Kept<U>>();
  readonly #indexes = new Map<string, ItemIndex<U>>();
  readonly #listeners = new Set<StoreListener<U>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** `namespace` is undefined for kinds that have none. */
  get(namespace: string | undefined, name: string): U | undefined {
    return this.#kept.get(idOf(namespace, name))?.object;
  }

  list(): U[] {
    return Array.from(this.#kept.values(), ({ object }) => object);
  }

  /** Adds an index by keys that are computed from the objects, those already there included. */
  addIndex(name: string, keysOf: (object: U) => readonly string[]): void {
    const index = new ItemIndex((object: U) => this.#keys(name, keysOf, object));
    for (const [id, { object }] of this.#kept) index.add(id, object);
    this.#indexes.set(name, index);
  }

  byIndex(name: string, key: string): U[] {
    const index = this.#indexes.get(name);
    if (index === undefined) {
      throw new RangeError(`The store has no index "${name}", only ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    }
    return Array.from(index.ids(key), (id) => (this.#kept.get(id) as Kept<U>).object);
  }

  /** Calls the listener for every change from now on, after the store has it. An error that it throws is logged. */
  subscribe(listener: StoreListener<U>): () => void {
    // Wrapped, so that a function that subscribes twice is called twice and can unsubscribe once.
    const own: StoreListener<U> = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Takes the object of an event, unless it is older than the one that is there. */
  put(scope: string, item: Item<U>): void {
    const id = idOf(item.namespace, item.name);
    if (!isOlder(item.resourceVersion, this.#kept.get(id)?.resourceVersion)) this.#set(scope, id, item);
  }

  /** Takes a deletion, unless it is older than the object that is there. */
  remove(item: Item<U>): void {
    const id = idOf(item.namespace, item.name);
    const current = this.#kept.get(id);
    if (current !== undefined && !isOlder(item.resourceVersion, current.resourceVersion)) this.#drop(id, current);
  }

  /** Takes a list as the whole of a scope: objects that it does not have are deleted. */
  replace(scope: string, items: readonly Item<U>[]): void {
    const present = new Map(items.map((item) => [idOf(item.namespace, item.name), item]));
    for (const [id, current] of [...this.#kept]) {
      if (current.scope === scope && !present.has(id)) this.#drop(id, current);
    }
    for (const [id, item] of present) {
      const current = this.#kept.get(id);
      const same =
        current !== undefined && current.uid === item.uid && current.resourceVersion === item.resourceVersion;
      if (!same) this.#set(scope, id, item);
    }
  }

  #set(scope: string, id: string, { uid, resourceVersion, object }: Item<U>): void {
    let current = this.#kept.get(id);
    // Another object of the same name: listeners must see the old one deleted.
    if (current !== undefined && (current.uid !== uid || object === undefined)) {
      this.#drop(id, current);
      current = undefined;
    }
    if (object === undefined) return;
    for (const index of this.#indexes.values()) {
      if (current !== undefined) index.remove(id, current.object);
      index.add(id, object);
    }
    this.#kept.set(id, { scope, uid, resourceVersion, object });
    this.#notify(
      current === undefined ? { type: 'added', object } : { type: 'updated', object, previous: current.object },
    );
  }

  #drop(id: string, current: Kept<U>): void {
    this.#kept.delete(id);
    for (const index of this.#indexes.values()) index.remove(id, current.object);
    this.#notify({ type: 'deleted', object: current.object });
  }

  // An object without keys is bad; a watch that stops at it would be worse.
  #keys(index: string, keysOf: (object: U) => readonly string[], object: U): readonly string[] {
    try {
      return keysOf(object);
    } catch (err) {
      this.#logger.error('Object cannot be indexed', { index, err });
      return [];
    }
  }

  #notify(event: StoreEvent<U>): void {
    for (const listener of [...this.#listeners]) {
      try {
        // An async function fits the type of a listener; its rejection must not end the process.
        const result: unknown = listener(event);
        if (result instanceof Promise) result.catch((err: unknown) => this.#logFailure(err));
      } catch (err) {
        this.#logFailure(err);
      }
    }
  }

  #logFailure(err: unknown): void {
    this.#logger.error('Store listener failed', { err });
  }
}

// Joined, it is one string; a template would keep its parts beside it for as long as it is kept.
function idOf(namespace: string | undefined, name: string): string {
  return [namespace, name].join('/');
}
