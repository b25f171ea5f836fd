/** Events that wait to be written, by namespace. */
export interface Waiting {
  readonly namespace: string;
}

/**
 * A fair queue: namespaces take turns, with one Event each, and none may have more than is still free. So a namespace that
 * writes without end fills half of it, and the next one finds room and need not wait behind all of its Events.
 */
export class EventQueue<E extends Waiting> {
  readonly #limit: number;
  readonly #byNamespace = new Map<string, Set<E>>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether one more Event of this namespace may wait. */
  hasRoom(namespace: string): boolean {
    const own = this.#byNamespace.get(namespace)?.size ?? 0;
    return own < this.#limit - this.#size;
  }

  add(entry: E): void {
    const own = this.#byNamespace.get(entry.namespace) ?? new Set<E>();
    this.#byNamespace.set(entry.namespace, own);
    if (own.has(entry)) return;
    own.add(entry);
    this.#size += 1;
  }

  shift(): E | undefined {
    const next = this.#byNamespace.entries().next();
    if (next.done) return undefined;
    const [namespace, own] = next.value;
    const [entry] = own;
    this.#byNamespace.delete(namespace);
    if (entry === undefined) return this.shift();
    own.delete(entry);
    this.#size -= 1;
    // To the end of the line.
    if (own.size > 0) this.#byNamespace.set(namespace, own);
    return entry;
  }
}
