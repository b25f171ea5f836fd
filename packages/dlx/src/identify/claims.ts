import { type Claim, compareClaims } from './claim.ts';

/** Key → its claims, the oldest first. A key has one claim as a rule: a list for each key would take 100 bytes more. */
export class Claims<K, C extends Claim = Claim> {
  readonly #byKey = new Map<K, C | C[]>();

  get size(): number {
    return this.#byKey.size;
  }

  keys(): Iterable<K> {
    return this.#byKey.keys();
  }

  /** A lane claims a key once. */
  add(key: K, claim: C): void {
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, claim);
    else if (Array.isArray(known)) known.splice(placeOf(claim, known), 0, claim);
    else this.#byKey.set(key, compareClaims(known, claim) <= 0 ? [known, claim] : [claim, known]);
  }

  /** `claim`: the one that was added. */
  remove(key: K, claim: C): void {
    const known = this.#byKey.get(key);
    if (known === claim) this.#byKey.delete(key);
    if (!Array.isArray(known)) return;
    const place = placeOf(claim, known);
    if (known[place] !== claim) return;
    known.splice(place, 1);
    const [only] = known;
    if (known.length === 1 && only !== undefined) this.#byKey.set(key, only);
  }

  /** The oldest. */
  first(key: K): C | undefined {
    const known = this.#byKey.get(key);
    return Array.isArray(known) ? known[0] : known;
  }
}

/** Where it is, or belongs, among those which are sorted. */
function placeOf(claim: Claim, sorted: readonly Claim[]): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareClaims(sorted[middle] as Claim, claim) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
