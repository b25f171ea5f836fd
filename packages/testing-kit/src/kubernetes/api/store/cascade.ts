import { gvrOf, type Kind } from '../kinds.ts';
import { type KubeObject } from '../object.ts';
import { type Ledger } from './ledger.ts';

type Found = { kind: Kind; object: KubeObject };

/** The actions of the cascade on single objects. */
export type CascadeSteps = {
  delete(kind: Kind, object: KubeObject, policy: 'Background' | 'Foreground'): void;
  /** Changes an object, and removes it if that set it free. */
  release(kind: Kind, object: KubeObject, change: (object: KubeObject) => void): void;
};

/**
 * The consequences of a deletion within the server: orphaned dependents, a foreground deletion that waits for its
 * dependents, a namespace that waits for its content. (Background deletion is a controller's work.)
 */
export class Cascade {
  readonly #ledger: Ledger;
  readonly #steps: CascadeSteps;
  readonly #waiting = new Map<string, Found>();

  constructor(ledger: Ledger, steps: CascadeSteps) {
    this.#ledger = ledger;
    this.#steps = steps;
  }

  /** Takes a vanishing owner out of its dependents' ownerReferences. */
  orphan(owner: KubeObject): void {
    for (const { kind, object } of this.#dependents(owner)) {
      this.#steps.release(kind, object, ({ metadata }) => {
        metadata.ownerReferences = (metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      });
    }
  }

  /** Begins to delete the objects that must go before a deleted object: its dependents, or a namespace's content. */
  begin(kind: Kind, object: KubeObject): void {
    if (!isNamespace(kind) && object.metadata.finalizers?.includes('foregroundDeletion') !== true) return;
    this.#waiting.set(object.metadata.uid, { kind, object });
    for (const inner of this.#blocking(kind, object)) {
      if (inner.object.metadata.deletionTimestamp !== undefined) continue;
      this.#steps.delete(
        inner.kind,
        inner.object,
        this.#dependents(inner.object).length > 0 ? 'Foreground' : 'Background',
      );
    }
    this.#finish(kind, object);
  }

  /** To be called after each removal. */
  removed(): void {
    for (const { kind, object } of [...this.#waiting.values()]) this.#finish(kind, object);
  }

  #finish(kind: Kind, object: KubeObject): void {
    if (!this.#waiting.has(object.metadata.uid) || this.#blocking(kind, object).length > 0) return;
    this.#waiting.delete(object.metadata.uid);
    this.#steps.release(kind, object, (next) => {
      next.metadata.finalizers = (next.metadata.finalizers ?? []).filter((name) => name !== 'foregroundDeletion');
      if (isNamespace(kind)) next.spec = { finalizers: [] };
    });
  }

  #blocking(kind: Kind, object: KubeObject): Found[] {
    if (isNamespace(kind)) return this.#every(({ metadata }) => metadata.namespace === object.metadata.name);
    return this.#dependents(object);
  }

  #dependents(owner: KubeObject): Found[] {
    return this.#every(({ metadata }) =>
      (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid),
    );
  }

  #every(selects: (object: KubeObject) => boolean): Found[] {
    return this.#ledger.kinds.flatMap((kind) =>
      this.#ledger
        .all(kind)
        .filter(selects)
        .map((object) => ({ kind, object })),
    );
  }
}

function isNamespace(kind: Kind): boolean {
  return gvrOf(kind) === 'v1/namespaces';
}
