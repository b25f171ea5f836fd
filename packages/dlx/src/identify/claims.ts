import type { Lane } from '../hold/lane.ts';
import type { Found } from './route-table.ts';

/** Key → the lanes that claim it: one as a rule, and a set of one takes 200 bytes. */
export class Claims<K> {
  readonly #byKey = new Map<K, Lane | Set<Lane>>();

  keys(): Iterable<K> {
    return this.#byKey.keys();
  }

  add(key: K, lane: Lane): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, lane);
    else if (known instanceof Set) known.add(lane);
    else if (known !== lane) this.#byKey.set(key, new Set([known, lane]));
  }

  remove(key: K, lane: Lane): void {
    const known = this.#byKey.get(key);
    if (known === lane) this.#byKey.delete(key);
    else if (known instanceof Set && known.delete(lane) && known.size === 0) this.#byKey.delete(key);
  }

  /** The one that claims it; of several, the one that `isMeant` alone tells apart. */
  find(key: K, isMeant: (lane: Lane) => boolean = () => false): Found {
    const known = this.#byKey.get(key);
    if (!(known instanceof Set)) return known;
    const meant = known.size === 1 ? [...known] : [...known].filter(isMeant);
    return meant.length === 1 ? meant[0] : 'ambiguous';
  }
}
