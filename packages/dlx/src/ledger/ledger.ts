/** Held bytes, as the accounting counts them. */
interface Held {
  readonly heldBytes: number;
  readonly pipelined: { readonly heldBytes: number };
}

/** The memory of one resource's requests. */
export interface ResourceLoad {
  readonly heldBytes: number;
  /** Of those on their way: records, heads, and what waits to be taken by one side or the other. */
  readonly inFlightBytes: number;
  readonly namespace: NamespaceLoad;
}

/** The memory of one namespace's requests, held and in flight. */
export interface NamespaceLoad {
  readonly name: string;
  bytes: number;
  /** Of how many resources. */
  resources: number;
}

/** Beyond this part of the limit what stands still is ended. */
const mark = 0.8;
/** A namespace may take so many times what is still free: alone three quarters, and another still finds room. */
const namespaceShare = 3;

/**
 * The memory of the data path, in bytes, by purpose: `held`, `in flight` and `kept`, which outlives the
 * requests that it tells of. All together have one limit. Plain numbers: the hot path counts too.
 * See docs/decisions/ledger.md.
 */
export class Ledger {
  limit = Number.POSITIVE_INFINITY;
  kept = 0;
  inFlight = 0;
  readonly namespaces = new Map<string, NamespaceLoad>();
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  get held(): number {
    return this.#held.heldBytes + this.#held.pipelined.heldBytes;
  }

  get total(): number {
    return this.held + this.inFlight + this.kept;
  }

  get free(): number {
    return this.limit - this.total;
  }

  get isOverMark(): boolean {
    return this.total > mark * this.limit;
  }

  /** Whether it is worth while to look closely. */
  get isBusy(): boolean {
    return this.total > this.limit / 2;
  }

  /** Of what may be held in all; `own` is counted as in flight, of the one who asks. */
  holdBytesTotal(own: number): number {
    return this.limit - this.inFlight - this.kept + own;
  }

  /** One more resource of a namespace. */
  join(name: string): NamespaceLoad {
    let load = this.namespaces.get(name);
    if (load === undefined) this.namespaces.set(name, (load = { name, bytes: 0, resources: 0 }));
    load.resources += 1;
    return load;
  }

  /** It is gone; what its requests still take is counted until they end. */
  leave(load: NamespaceLoad): void {
    load.resources -= 1;
    if (load.resources === 0 && this.namespaces.get(load.name) === load) this.namespaces.delete(load.name);
  }

  /**
   * Why there is no room for what was just counted, of so many bytes; undefined: there is. One takes no more than is
   * still free.
   */
  overflowOf({ heldBytes, inFlightBytes, namespace }: ResourceLoad, bytes: number): string | undefined {
    const free = this.free + bytes;
    const own = heldBytes + inFlightBytes;
    if (own <= free && bytes <= free && namespace.bytes <= namespaceShare * free) return undefined;
    if (bytes > free) return `${this.limit - free} bytes of memory are taken already`;
    const taken = own > free ? own - bytes : namespace.bytes - bytes;
    const whose = own > free ? '' : `namespace ${namespace.name} `;
    return `${whose}takes its share of memory already: ${taken} bytes, with ${free} left for all`;
  }

  /** The same for what would be held beside; `own` as above. */
  holdOverflowOf({ namespace }: ResourceLoad, bytes: number, own: number): string | undefined {
    const free = this.free + own;
    if (namespace.bytes - own + bytes <= namespaceShare * free) return undefined;
    return `namespace ${namespace.name} takes its share of memory already: ${namespace.bytes - own} bytes, with ${free} left for all`;
  }
}
