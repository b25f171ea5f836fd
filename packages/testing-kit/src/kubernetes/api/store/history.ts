import { FakeApiError } from '../errors.ts';
import { type Kind } from '../kinds.ts';
import { deepFreeze, type KubeObject } from '../object.ts';

/** One write. `previous` is the object before; `object` the one after, or for a removal the last state with the new version. */
export type Change = {
  readonly resourceVersion: number;
  readonly kind: Kind;
  readonly removed: boolean;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
};

/** An object as it was, under the version of the change that took it away. */
export function lastState(previous: KubeObject, resourceVersion: number): KubeObject {
  return deepFreeze({ ...previous, metadata: { ...previous.metadata, resourceVersion: String(resourceVersion) } });
}

/** The latest writes of all kinds, in order; what is older than the window is compacted. */
export class History {
  readonly #window: number;
  #changes: Change[] = [];
  #compacted = 0;

  constructor(window: number) {
    this.#window = window;
  }

  add(change: Change): void {
    this.#changes.push(change);
    const surplus = this.#changes.length - this.#window;
    // In strides: to take one off the front for each write would move the whole list each time.
    if (surplus > this.#window / 10) this.compact(this.#changes[surplus - 1]!.resourceVersion);
  }

  compact(resourceVersion: number): void {
    this.#compacted = Math.max(this.#compacted, resourceVersion);
    this.#changes = this.#changes.slice(this.#after(resourceVersion));
  }

  /**
   * The changes later than a version.
   *
   * @throws FakeApiError Expired when some of them are gone.
   */
  since(resourceVersion: number): Change[] {
    if (resourceVersion < this.#compacted) {
      throw new FakeApiError('Expired', `too old resource version: ${resourceVersion} (${this.#compacted})`);
    }
    return this.#changes.slice(this.#after(resourceVersion));
  }

  #after(resourceVersion: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#changes[middle]!.resourceVersion <= resourceVersion) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
