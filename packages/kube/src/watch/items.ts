import type { Logger } from '@scaler/scaler-types';
import { createItemIndex, type ItemIndex } from './item-index.ts';
import { isOlder } from './resource-version.ts';
import type { StoreEvent, StoreListener } from './store.ts';

/** One object as the store keeps it. */
export interface Item<U> {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  /** Undefined: the object is there but could not be trimmed, so the store has to do without it. */
  readonly object: U | undefined;
}

/** The objects of a store, its indexes and its listeners. */
export interface Items<U> {
  readonly size: number;
  get(namespace: string | undefined, name: string): U | undefined;
  list(): U[];
  addIndex(name: string, keysOf: (object: U) => readonly string[]): void;
  byIndex(name: string, key: string): U[];
  subscribe(listener: StoreListener<U>): () => void;
  /** Takes what an event says, unless it is older than what is there. */
  put(scope: string, item: Item<U>): void;
  remove(scope: string, item: Item<U>): void;
  /** Takes a list as the whole truth about a scope: what it does not have is deleted. */
  replace(scope: string, items: readonly Item<U>[]): void;
}

interface Kept<U> {
  readonly scope: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string;
  readonly object: U;
}

export function createItems<U>(logger: Logger): Items<U> {
  const kept = new Map<string, Kept<U>>();
  const indexes = new Map<string, ItemIndex<U>>();
  const listeners = new Set<StoreListener<U>>();

  function notify(event: StoreEvent<U>): void {
    for (const listener of [...listeners]) {
      try {
        // An async function fits the type of a listener; what it rejects with must not end the process.
        const result: unknown = listener(event);
        if (result instanceof Promise) result.catch((err: unknown) => logger.error('Store listener failed', { err }));
      } catch (err) {
        logger.error('Store listener failed', { err });
      }
    }
  }

  function drop(id: string, current: Kept<U>): void {
    kept.delete(id);
    for (const index of indexes.values()) index.remove(id, current.object);
    notify({ type: 'deleted', object: current.object });
  }

  function set(scope: string, item: Item<U>): void {
    const id = idOf(item.namespace, item.name);
    const current = kept.get(id);
    const recreated = current !== undefined && current.uid !== item.uid;
    if (current !== undefined && (recreated || item.object === undefined)) drop(id, current);
    if (item.object === undefined) return;
    const { uid, resourceVersion, object } = item;
    if (current !== undefined && !recreated) for (const index of indexes.values()) index.remove(id, current.object);
    kept.set(id, { scope, uid, resourceVersion, object });
    for (const index of indexes.values()) index.add(id, object);
    if (current === undefined || recreated) notify({ type: 'added', object });
    else notify({ type: 'updated', object, previous: current.object });
  }

  return {
    get size() {
      return kept.size;
    },
    get: (namespace, name) => kept.get(idOf(namespace, name))?.object,
    list: () => Array.from(kept.values(), ({ object }) => object),
    addIndex: (name, keysOf) => {
      const index = createItemIndex(keysOf);
      for (const [id, { object }] of kept) index.add(id, object);
      indexes.set(name, index);
    },
    byIndex: (name, key) => {
      const index = indexes.get(name);
      if (index === undefined)
        throw new RangeError(`The store has no index "${name}", only ${[...indexes.keys()].join(', ')}`);
      return Array.from(index.ids(key), (id) => (kept.get(id) as Kept<U>).object);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put: (scope, item) => {
      const current = kept.get(idOf(item.namespace, item.name));
      if (current !== undefined && isOlder(item.resourceVersion, current.resourceVersion)) return;
      set(scope, item);
    },
    remove: (_scope, item) => {
      const id = idOf(item.namespace, item.name);
      const current = kept.get(id);
      if (current !== undefined && !isOlder(item.resourceVersion, current.resourceVersion)) drop(id, current);
    },
    replace: (scope, items) => {
      const present = new Set(items.map(({ namespace, name }) => idOf(namespace, name)));
      for (const [id, current] of [...kept]) {
        if (current.scope === scope && !present.has(id)) drop(id, current);
      }
      for (const item of items) {
        const current = kept.get(idOf(item.namespace, item.name));
        const same = current?.uid === item.uid && current?.resourceVersion === item.resourceVersion;
        if (!same || current === undefined) set(scope, item);
      }
    },
  };
}

function idOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}
