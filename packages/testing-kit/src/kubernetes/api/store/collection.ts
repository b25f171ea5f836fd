import { type KubeObject, type ObjectMeta } from '../object.ts';

/** Where an object of a kind is kept, and how lists are ordered. */
export function keyOf({ namespace, name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return `${namespace ?? ''}/${name}`;
}

/** The objects of one kind, listed in the order of their keys as etcd lists them. */
export class Collection {
  readonly #objects = new Map<string, KubeObject>();
  #sorted: KubeObject[] | undefined;

  find(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf({ namespace, name }));
  }

  put(object: KubeObject): void {
    this.#objects.set(keyOf(object.metadata), object);
    this.#sorted = undefined;
  }

  remove(object: KubeObject): void {
    this.#objects.delete(keyOf(object.metadata));
    this.#sorted = undefined;
  }

  all(): readonly KubeObject[] {
    this.#sorted ??= sorted(this.#objects);
    return this.#sorted;
  }

  /** A copy of the index, from which an earlier state can be computed. */
  index(): Map<string, KubeObject> {
    return new Map(this.#objects);
  }
}

/** Objects in the order of their keys. */
export function sorted(index: Map<string, KubeObject>): KubeObject[] {
  return [...index].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}
