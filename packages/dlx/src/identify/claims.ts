import type { Lane } from '../hold/lane.ts';
import type { Found } from './route-table.ts';

/** Key → the lanes that claim it. One as a rule, a Service's ports else: a set for each key would take 200 bytes. */
export class Claims<K> {
  readonly #byKey = new Map<K, Lane | readonly Lane[]>();

  keys(): Iterable<K> {
    return this.#byKey.keys();
  }

  add(key: K, lane: Lane): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, lane);
    else if (isSeveral(known)) this.#byKey.set(key, [...known.filter((one) => one !== lane), lane]);
    else if (known !== lane) this.#byKey.set(key, [known, lane]);
  }

  remove(key: K, lane: Lane): void {
    const known = this.#byKey.get(key);
    if (known === undefined) return;
    const [first, ...others] = isSeveral(known) ? known.filter((one) => one !== lane) : known === lane ? [] : [known];
    if (first === undefined) this.#byKey.delete(key);
    else this.#byKey.set(key, others.length === 0 ? first : [first, ...others]);
  }

  /** The one that claims it; of several, the one that `isMeant` alone tells apart. */
  find(key: K, isMeant: (lane: Lane) => boolean = () => false): Found {
    const known = this.#byKey.get(key);
    if (known === undefined || !isSeveral(known)) return known;
    const meant = known.filter(isMeant);
    return meant.length === 1 ? meant[0] : 'ambiguous';
  }
}

function isSeveral(claimed: Lane | readonly Lane[]): claimed is readonly Lane[] {
  return Array.isArray(claimed);
}
