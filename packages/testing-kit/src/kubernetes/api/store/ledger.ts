import { FakeApiError } from '../errors.ts';
import { gvrOf, type Kind } from '../kinds.ts';
import { deepFreeze, type KubeObject } from '../object.ts';
import { type Selector } from '../selectors.ts';
import { Collection, keyOf, sorted } from './collection.ts';
import { type Change, History, lastState } from './history.ts';
import { type WatchListener } from './types.ts';
import { Watchers } from './watchers.ts';

/** The parts of the store: the objects, one version for all of them, their history and their watchers. */
export class Ledger {
  readonly #kinds = new Map<string, Kind>();
  readonly #collections = new Map<Kind, Collection>();
  readonly #history: History;
  readonly #watchers = new Watchers();
  #version = 1;

  constructor(kinds: readonly Kind[], historyWindow: number) {
    this.#history = new History(historyWindow);
    for (const kind of kinds) this.register(kind);
  }

  get version(): number {
    return this.#version;
  }

  get kinds(): Kind[] {
    return [...this.#kinds.values()];
  }

  register(kind: Kind): void {
    this.#kinds.set(gvrOf(kind), kind);
    this.#collections.set(kind, new Collection());
  }

  kind(gvr: string): Kind {
    const kind = this.#kinds.get(gvr);
    if (kind !== undefined) return kind;
    throw new FakeApiError(
      'NotFound',
      `the fake API has no kind "${gvr}"; it has ${[...this.#kinds.keys()].join(', ')}`,
    );
  }

  find(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    return this.#of(kind).find(namespace, name);
  }

  all(kind: Kind): readonly KubeObject[] {
    return this.#of(kind).all();
  }

  /** The objects as they were at a version. Throws Expired when that is forgotten. */
  at(kind: Kind, version: number): readonly KubeObject[] {
    if (version === this.#version) return this.all(kind);
    const index = this.#of(kind).index();
    for (const { kind: changed, object, previous } of this.#history.since(version).reverse()) {
      if (changed !== kind) continue;
      if (previous === undefined) index.delete(keyOf(object.metadata));
      else index.set(keyOf(object.metadata), previous);
    }
    return sorted(index);
  }

  /** Writes an object under a new version. */
  put(kind: Kind, object: KubeObject, previous: KubeObject | undefined): KubeObject {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    deepFreeze(object);
    this.#of(kind).put(object);
    this.#record({ resourceVersion: this.#version, kind, removed: false, object, previous });
    return object;
  }

  remove(kind: Kind, previous: KubeObject): KubeObject {
    this.#version += 1;
    const object = lastState(previous, this.#version);
    this.#of(kind).remove(previous);
    this.#record({ resourceVersion: this.#version, kind, removed: true, object, previous });
    return object;
  }

  watch(kind: Kind, selects: Selector, listener: WatchListener, from: number | undefined): () => void {
    const initial = from === undefined ? this.all(kind) : [];
    const past = from === undefined ? [] : this.#history.since(from);
    return this.#watchers.add(kind, selects, listener, { initial, past, at: from ?? this.#version });
  }

  compact(version: number): void {
    this.#history.compact(version);
  }

  #record(change: Change): void {
    this.#history.add(change);
    this.#watchers.send(change);
  }

  #of(kind: Kind): Collection {
    return this.#collections.get(kind) as Collection;
  }
}
