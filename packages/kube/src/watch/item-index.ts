/** Finds items by keys computed from them. */
export interface ItemIndex<U> {
  add(id: string, object: U): void;
  /** Takes the object that was added: its keys are computed again, so `keysOf` must depend on the object alone. */
  remove(id: string, object: U): void;
  ids(key: string): Iterable<string>;
}

export function createItemIndex<U>(keysOf: (object: U) => readonly string[]): ItemIndex<U> {
  // Most keys have one item, and a set takes 200 bytes.
  const byKey = new Map<string, string | Set<string>>();
  return {
    add: (id, object) => {
      for (const key of keysOf(object)) {
        const known = byKey.get(key);
        if (known === undefined) byKey.set(key, id);
        else if (typeof known !== 'string') known.add(id);
        else if (known !== id) byKey.set(key, new Set([known, id]));
      }
    },
    remove: (id, object) => {
      for (const key of keysOf(object)) {
        const known = byKey.get(key);
        if (known === id) byKey.delete(key);
        else if (known instanceof Set && known.delete(id) && known.size === 0) byKey.delete(key);
      }
    },
    ids: (key) => {
      const known = byKey.get(key) ?? [];
      return typeof known === 'string' ? [known] : known;
    },
  };
}
