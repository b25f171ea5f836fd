import type { Metrics } from '@scaler/runtime';
import { hasBody, type Head } from '../head/head.ts';

/** The held requests of one resource or of all. */
export interface Load {
  /** Requests. */
  held: number;
  heldBytes: number;
}

/** How much may wait in all. */
export interface Bounds {
  readonly holdLimitTotal: number;
  readonly holdBytesTotal: number;
}

/** A connection with its buffers, the request's and the answer's records (measured: 13 KB). */
const heldConnectionBytes = 16_384;
/**
 * On its way, with the connection to its endpoint, which is its alone in HTTP/1 (measured: 13 KB in use, beside its own
 * connection; 28 KB as the process's size, with what V8 and the sockets take for them).
 */
const inFlightBytes = 24_576;
/** The records alone, of a request that is pipelined behind another (measured: 1.6 KB). */
const recordBytes = 2048;
const windowBytes = 65_536;
/** Node stops reading a body once 64 KiB of it wait; the read that brought it there may have brought as much again. */
const bodyBytes = 131_072;

/** A request in HTTP; a raw connection has no head. */
interface Asked {
  readonly head: Head;
  readonly url: string;
}

/** The bytes that a held request is counted as: its connection, its head, and what Node may have read of its body. */
export function heldBytesOf(asked: Asked | undefined): number {
  return heldConnectionBytes + headBytesOf(asked) + bodyBytesOf(asked?.head);
}

/** The bytes that a request is counted as that waits in its connection behind another. */
export function pipelinedBytesOf(asked: Asked): number {
  return recordBytes + headBytesOf(asked) + bodyBytesOf(asked.head);
}

/**
 * Why no more may wait; undefined: one more may. No resource takes more than is still free, so one alone gets half of
 * all, two a third each, and another still finds room beside any number of noisy ones.
 *
 * @param own what waits already of the resource that asks.
 * @param others all that waits, `own` included.
 */
export function overflowOf(own: Load, others: readonly Load[], bytes: number, bounds: Bounds): string | undefined {
  let freeHeld = bounds.holdLimitTotal;
  let freeBytes = bounds.holdBytesTotal;
  for (const { held, heldBytes } of others) {
    freeHeld -= held;
    freeBytes -= heldBytes;
  }
  if (freeHeld < 1) return `${bounds.holdLimitTotal} requests are held already`;
  if (own.held >= freeHeld) return `holds its share already: ${own.held} requests, with ${freeHeld} left for all`;
  if (freeBytes < bytes) return `${bounds.holdBytesTotal - freeBytes} bytes are held already`;
  if (own.heldBytes + bytes > freeBytes) {
    return `holds its share already: ${own.heldBytes} bytes, with ${freeBytes} left for all`;
  }
  return undefined;
}

/** The bytes that a request on its way is counted as, beside those that wait to be taken. */
export function inFlightBytesOf(asked: Asked | undefined): number {
  return inFlightBytes + headBytesOf(asked);
}

/** Bytes that may be read of a request's body before the next look counts them: a window in HTTP/2. */
export function bodyAheadOf(head: Head | undefined): number {
  return head !== undefined && hasBody(head) ? Math.min(windowBytes, Number(head.contentLength ?? windowBytes)) : 0;
}

function headBytesOf(asked: Asked | undefined): number {
  return asked === undefined ? 0 : asked.head.bytes + asked.url.length;
}

function bodyBytesOf(head: Head | undefined): number {
  if (head === undefined || !hasBody(head)) return 0;
  return Math.min(bodyBytes, Number(head.contentLength ?? bodyBytes));
}

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

/** A connection with nothing under way. */
export const connectionBytes = 4096;

/** The load of one port. */
export interface PortLoad {
  connections: number;
  /** Of those with nothing under way: heads that are not whole, and the ends of answers that are not taken. */
  waitingBytes: number;
}

/** The shared port is everybody's, so it may take so many times what is still free: three quarters of all. */
const sharedPortShare = 3;

/** How many connections there are, by the port they came in on. No target's port takes more than is still free. */
export class Connections {
  limit = Number.POSITIVE_INFINITY;
  count = 0;
  readonly #ledger: Ledger;
  readonly #ports = new Map<number, PortLoad>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Counts one more, if there is room for it; to be given back by {@link leave}. `isOwn`: the port is one target's. */
  take(port: number, isOwn: boolean): PortLoad | undefined {
    const load = this.#ports.get(port) ?? { connections: 0, waitingBytes: 0 };
    const share = isOwn ? 1 : sharedPortShare;
    if (load.connections >= share * (this.limit - this.count)) return undefined;
    const own = load.connections * connectionBytes + load.waitingBytes;
    if (own + connectionBytes > share * this.#ledger.free) return undefined;
    if (load.connections === 0) this.#ports.set(port, load);
    load.connections += 1;
    this.count += 1;
    this.#ledger.inFlight += connectionBytes;
    return load;
  }

  leave(port: number, load: PortLoad): void {
    load.connections -= 1;
    this.count -= 1;
    this.#ledger.inFlight -= connectionBytes;
    if (load.connections === 0) this.#ports.delete(port);
  }

  /** The waiting bytes of one of them have changed by so many. */
  waits(load: PortLoad, by: number): void {
    load.waitingBytes += by;
    this.#ledger.inFlight += by;
  }
}

/** So many namespaces have series of their own, those that take the most. */
const mostShown = 20;

/** Shows what is taken of memory, and by which namespace. */
export function addLedgerMetrics(metrics: Metrics, ledger: Ledger): void {
  metrics.gauge({
    name: 'dlx_ledger_bytes',
    help: 'Memory as it is counted, in bytes: held (with pipelined), in_flight (with connections), kept (of what ended).',
    labels: ['kind'],
    collect: (set) => {
      set({ kind: 'held' }, ledger.held);
      set({ kind: 'in_flight' }, ledger.inFlight);
      set({ kind: 'kept' }, ledger.kept);
    },
  });
  const limit = 'What these may be in all, which --hold-bytes-total sets.';
  addGauge(metrics, 'dlx_ledger_limit_bytes', limit, () => ledger.limit);
  metrics.gauge({
    name: 'dlx_ledger_namespace_bytes',
    help: 'What is held and in flight, by namespace: the twenty that take the most, and none for all others.',
    labels: ['namespace'],
    collect: (set) => {
      const most = [...ledger.namespaces.values()].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
      set(
        { namespace: '' },
        most.slice(mostShown).reduce((sum, { bytes }) => sum + bytes, 0),
      );
      for (const { name, bytes } of most.slice(0, mostShown)) set({ namespace: name }, bytes);
    },
  });
}

/** A gauge of one number, which is read when it is scraped. */
export function addGauge(metrics: Metrics, name: string, help: string, read: () => number): void {
  metrics.gauge({ name, help, collect: (set) => set({}, read()) });
}

/** So many namespaces have series of their own; what the others do is counted together, under no name. */
const mostNamespaces = 100;

/** Counts by kind, and by whose it was. */
export class NamespaceCounter<K extends string> {
  readonly #bind: (kind: K, namespace: string) => { inc(): void };
  readonly #namespaces = new Set<string>();

  /** `label` is the kind's. */
  constructor(metrics: Metrics, options: { name: string; help: string }, label: string, kinds: readonly K[]) {
    const counter = metrics.counter({ ...options, labels: [label, 'namespace'] });
    this.#bind = (kind, namespace) => counter.bind({ [label]: kind, namespace });
    for (const kind of kinds) this.#bind(kind, '');
  }

  /** `namespace` is that of a known resource, where there is one. */
  count(kind: K, namespace = ''): void {
    if (this.#namespaces.size < mostNamespaces) this.#namespaces.add(namespace);
    this.#bind(kind, this.#namespaces.has(namespace) ? namespace : '').inc();
  }
}

/** Bounds that are met one by one, as the metric names them. */
const boundNames = ['accept', 'connections', 'fields', 'informational', 'memory', 'stalled'] as const;

/** Counts what came to a bound. */
export class BoundsMet extends NamespaceCounter<(typeof boundNames)[number]> {
  constructor(metrics: Metrics) {
    const help =
      'What came to a bound and got less than it wanted, by bound and namespace; none: of no known resource.';
    super(metrics, { name: 'dlx_bounds_met_total', help }, 'bound', boundNames);
  }
}
