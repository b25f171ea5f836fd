/** Finds items by keys computed from them. */
export interface ItemIndex<U> {
  add(id: string, object: U): void;
  /** Takes the object that was added: its keys are computed again, so `keysOf` must depend on the object alone. */
  remove(id: string, object: U): void;
  ids(key: string): Iterable<string>;
}

export function createItemIndex<U>(keysOf: (object: U) => readonly string[]): ItemIndex<U> {
  const idsByKey = new Map<string, Set<string>>();
  return {
    add: (id, object) => {
      for (const key of keysOf(object)) {
        const ids = idsByKey.get(key);
        if (ids === undefined) idsByKey.set(key, new Set([id]));
        else ids.add(id);
      }
    },
    remove: (id, object) => {
      for (const key of keysOf(object)) {
        const ids = idsByKey.get(key);
        ids?.delete(id);
        if (ids?.size === 0) idsByKey.delete(key);
      }
    },
    ids: (key) => idsByKey.get(key) ?? [],
  };
}
