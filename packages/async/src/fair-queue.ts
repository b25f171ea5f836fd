/**
 * A queue over many namespaces: first come, first served within a namespace, and one item of each namespace in turn, so
 * that the many items of one namespace do not keep another's waiting. An item stands in the queue once.
 */
export class FairQueue<T> {
  /** The namespace whose turn it is comes first. */
  readonly #waiting = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Whether one more item of this namespace may wait, where all together may be `limit`: none may have more than is still
   * free, so one that adds without end fills half of it, and the next one finds room.
   */
  hasRoom(namespace: string, limit: number): boolean {
    return (this.#waiting.get(namespace)?.size ?? 0) < limit - this.#size;
  }

  /** Appends an item; an item that waits already keeps its place. */
  add(namespace: string, item: T): void {
    const items = this.#waiting.get(namespace) ?? new Set<T>();
    if (items.has(item)) return;
    this.#waiting.set(namespace, items.add(item));
    this.#size += 1;
  }

  /** Returns whether the item waited. */
  delete(namespace: string, item: T): boolean {
    const items = this.#waiting.get(namespace);
    if (items?.delete(item) !== true) return false;
    this.#size -= 1;
    if (items.size === 0) this.#waiting.delete(namespace);
    return true;
  }

  /** Takes the first item of the next namespace that has room; undefined when there is none. */
  take(hasRoom: (namespace: string) => boolean): { namespace: string; item: T } | undefined {
    for (const [namespace, items] of this.#waiting) {
      if (!hasRoom(namespace)) continue;
      // A namespace is in the map only while it has an item.
      const [item] = items;
      // To the end of the line, so that each other namespace is asked before this one is again.
      this.#waiting.delete(namespace);
      this.#waiting.set(namespace, items);
      this.delete(namespace, item as T);
      return { namespace, item: item as T };
    }
    return undefined;
  }

  clear(): void {
    this.#waiting.clear();
    this.#size = 0;
  }
}
