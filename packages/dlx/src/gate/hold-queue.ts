/** An item of a {@link HoldQueue}; the links are the queue's own. */
export interface Holdable {
  /** Order of arrival in the process. */
  readonly seq: number;
  prev: Holdable | undefined;
  next: Holdable | undefined;
}

/**
 * First in, first out, as records linked to each other: a client that leaves frees its slot at once wherever it
 * stands, and ten thousand held requests are ten thousand records, not ten thousand waiting functions.
 */
export class HoldQueue<T extends Holdable> {
  #head: Holdable | undefined;
  #tail: Holdable | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get head(): T | undefined {
    return this.#head as T | undefined;
  }

  /** Adds by order of arrival. One that was released and comes back finds its old place, which is near the head. */
  add(item: T): void {
    this.#size += 1;
    if (this.#tail === undefined || this.#tail.seq < item.seq) {
      this.#link(item, this.#tail, undefined);
      return;
    }
    let after = this.#head as Holdable;
    while (after.seq < item.seq) after = after.next as Holdable;
    this.#link(item, after.prev, after);
  }

  shift(): T | undefined {
    const item = this.#head;
    if (item !== undefined) this.remove(item as T);
    return item as T | undefined;
  }

  /** Takes out one that is in this queue. */
  remove(item: T): void {
    this.#size -= 1;
    if (item.prev === undefined) this.#head = item.next;
    else item.prev.next = item.next;
    if (item.next === undefined) this.#tail = item.prev;
    else item.next.prev = item.prev;
    item.prev = undefined;
    item.next = undefined;
  }

  #link(item: Holdable, prev: Holdable | undefined, next: Holdable | undefined): void {
    item.prev = prev;
    item.next = next;
    if (prev === undefined) this.#head = item;
    else prev.next = item;
    if (next === undefined) this.#tail = item;
    else next.prev = item;
  }
}
