import type { Clock } from '@scaler/scaler-types';
import type { Lane } from '../gate/lane.ts';

/** One lane's claim to a port, a host and path, or a name. Of several to the same, the oldest is served. */
export interface Claim {
  readonly lane: Lane;
  /** Wall clock; since when traffic is led to the port. `Infinity`: it is not, or that is not known. */
  readonly ledMs: number;
  /** Wall clock; since when it is claimed. */
  readonly sinceMs: number;
  /** Orders claims that began in the same millisecond, by arrival; 0 where the object's own age is known. */
  readonly seq: number;
}

/** Since when something is claimed. */
export type Age = Pick<Claim, 'sinceMs' | 'seq'>;

/**
 * Positive when `b` is older. Where traffic is led to a port goes first: that is written where tenants do not write.
 * Equal only for claims of the same lane.
 */
export function compareClaims(a: Claim, b: Claim): number {
  if (a.ledMs !== b.ledMs) return a.ledMs - b.ledMs;
  if (a.sinceMs !== b.sinceMs) return a.sinceMs - b.sinceMs;
  if (a.seq !== b.seq) return a.seq - b.seq;
  if (a.lane === b.lane) return 0;
  return nameOf(a) < nameOf(b) ? -1 : 1;
}

function nameOf({ lane: { gate, port } }: Claim): string {
  return `${gate.key} ${port.service} ${port.port}`;
}

/** An object that is older than this when its claim is first seen has come to claim later than it came to be. */
const newForMs = 60_000;

/**
 * Dates claims. For all that is there when the DLX starts, and for all that is new, the object's age counts: that is the
 * same for every replica. What an old object claims later is as old as its first sight: the resource that has a thing
 * keeps it.
 */
export class Ages {
  readonly #clock: Clock;
  #started = false;
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The scaler has listed all that was there at the start. */
  started(): void {
    this.#started = true;
  }

  /** `since`: ISO 8601, of the object that claims; absent: not known. */
  of(since: string | undefined): Age {
    const sinceMs = since === undefined ? NaN : Date.parse(since);
    if (!this.#started) return { sinceMs: Number.isNaN(sinceMs) ? 0 : sinceMs, seq: 0 };
    const nowMs = this.#clock.now();
    if (nowMs - sinceMs < newForMs) return { sinceMs, seq: 0 };
    return { sinceMs: nowMs, seq: ++this.#seq };
  }
}

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
