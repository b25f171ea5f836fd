interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
  readonly share: Share<V>;
}

interface Share<V> {
  readonly of: string;
  bytes: number;
  /** By key, the one that was asked for last at the end. */
  readonly entries: Map<string, Entry<V>>;
}

export interface BoundedMapOptions {
  /** Of all values together, as their owners say what each takes. */
  readonly mostBytes: number;
}

/** A value that takes more than this part of all is not kept at all. */
const largestPart = 8;

/**
 * What is remembered to save work, bounded by bytes: tenants choose how long a text is, and how many there are. Where it is
 * full, the namespace that takes the most loses what it has not asked for the longest, so that none drives out another's.
 */
export class BoundedMap<V> {
  bytes = 0;
  readonly #mostBytes: number;
  readonly #entries = new Map<string, Entry<V>>();
  readonly #shares = new Map<string, Share<V>>();

  constructor({ mostBytes }: BoundedMapOptions) {
    this.#mostBytes = mostBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { entries } = entry.share;
    entries.delete(key);
    entries.set(key, entry);
    return entry.value;
  }

  *values(): Generator<V> {
    for (const { value } of this.#entries.values()) yield value;
  }

  set(key: string, value: V, namespace: string, bytes: number): void {
    this.delete(key);
    if (bytes > this.#mostBytes / largestPart) return;
    const share = this.#shares.get(namespace) ?? { of: namespace, bytes: 0, entries: new Map<string, Entry<V>>() };
    this.#shares.set(namespace, share);
    const entry = { value, bytes, share };
    this.#entries.set(key, entry);
    share.entries.set(key, entry);
    share.bytes += bytes;
    this.bytes += bytes;
    while (this.bytes > this.#mostBytes) this.#dropOldest(this.#largestShare() ?? share);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const { share, bytes } = entry;
    this.#entries.delete(key);
    share.entries.delete(key);
    share.bytes -= bytes;
    this.bytes -= bytes;
    if (share.entries.size === 0) this.#shares.delete(share.of);
  }

  #largestShare(): Share<V> | undefined {
    let largest: Share<V> | undefined;
    for (const share of this.#shares.values())
      if (largest === undefined || share.bytes > largest.bytes) largest = share;
    return largest;
  }

  #dropOldest({ entries }: Share<V>): void {
    const oldest = entries.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }
}
