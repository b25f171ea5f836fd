import type { Workload } from '../workload/workload.ts';
import { resourceLabel, type SliceInfo, isOurs } from '../routing/slices.ts';
import {
  type LedPort,
  ledPorts,
  defaultPortRange,
  listenPortOf,
  portLabel,
  type PortRange,
  heldPort,
} from './port-label.ts';
import { type ServiceInfo, tcpPortsOf } from '../routing/service-info.ts';
import { createHash } from 'node:crypto';

/** A workload and the Services that lead to it. */
export interface PortClaimant {
  readonly workload: Workload;
  readonly services: readonly ServiceInfo[];
}

/** Labels to write on one workload; null removes one. */
export interface PortPatch {
  readonly workload: Workload;
  readonly labels: Readonly<Record<string, string | null>>;
}

export interface PortAllocation {
  readonly patches: readonly PortPatch[];
  /** Workloads of which some target has no port: its namespace has its share, or the range is full. */
  readonly refused: readonly Workload[];
}

export interface AllocationOptions {
  /**
   * What was had after the last allocation, as {@link heldPort} writes it: it is kept. A label that says more was written by another client, and counts as no
   * more than a preference. Undefined: what labels say is had, for nothing tells otherwise.
   */
  readonly held?: ReadonlySet<string> | undefined;
  /** How many ports a namespace may come to have. Default: no more than are still free. */
  readonly perNamespace?: number | undefined;
}

interface Claim {
  readonly workload: Workload;
  readonly label: string;
  readonly target: string;
  /** By its own slice. */
  readonly led: LedPort | undefined;
  /** By its label. */
  readonly labelled: number | undefined;
}

/**
 * Gives every TCP port of every managed Service a DLX port of its own. Pure, and stable: who has a port keeps it. Of
 * several that have the same, first the one whose slice leads there, the elder slice before the younger, then the older
 * workload. Labels that were written for another object count for nothing. A port that a slice of ours leads to for
 * another workload is not given away: traffic for that one arrives there.
 * Who has none yet gets all that it needs, or none: no namespace takes more than is still free.
 * `claimants` must be all there are: labels for Services that are not among them are removed.
 * See docs/decisions/listen-ports.md.
 */
export function allocatePorts(
  claimants: readonly PortClaimant[],
  slices: readonly SliceInfo[],
  range: PortRange = defaultPortRange,
  options: AllocationOptions = {},
): PortAllocation {
  const bySlice = bySlicedService(slices);
  const claims = claimants.flatMap((claimant) => claimsOf(claimant, bySlice, range)).sort(byAge);
  const book = new Book(range, options);
  for (const claim of claims.filter(({ led }) => led !== undefined).sort(byLed)) {
    if (book.isHeld(claim, claim.led?.port)) book.keep(claim, claim.led?.port);
  }
  for (const claim of claims) if (book.isHeld(claim, claim.labelled)) book.keep(claim, claim.labelled);
  withhold(book, slices, claims);
  for (const needed of byWorkload(claims.filter((claim) => !book.given.has(claim)))) book.giveAll(needed);
  return collect(claimants, claims, book);
}

/** What has been given away so far. */
class Book {
  readonly given = new Map<Claim, number>();
  readonly free: FreePorts;
  readonly #used = new Map<string, number>();
  readonly #withheld = new Map<string, number>();
  readonly #held: ReadonlySet<string> | undefined;
  readonly #perNamespace: number | undefined;

  constructor(range: PortRange, { held, perNamespace }: AllocationOptions) {
    this.free = new FreePorts(range);
    this.#held = held;
    this.#perNamespace = perNamespace;
  }

  isHeld({ workload, label }: Claim, port: number | undefined): boolean {
    return port !== undefined && this.#held?.has(heldPort(workload, label, String(port))) !== false;
  }

  keep(claim: Claim, port: number | undefined): void {
    if (port === undefined || this.given.has(claim) || !this.free.has(port)) return;
    count(this.#used, claim.workload.namespace);
    this.free.take(port);
    this.given.set(claim, port);
  }

  /** Takes a port out, unless slices of that namespace have taken out as many as are still free. */
  withhold(namespace: string, port: number): void {
    if (!this.free.has(port) || (this.#withheld.get(namespace) ?? 0) >= this.free.left) return;
    count(this.#withheld, namespace);
    this.free.take(port);
  }

  /** Of one workload. */
  giveAll(claims: readonly Claim[]): void {
    const [first] = claims;
    if (first === undefined || !this.#reaches(first.workload.namespace, claims.length)) return;
    for (const claim of claims) this.keep(claim, this.#wished(claim) ?? this.free.nextFor(claim.target));
  }

  #wished({ led, labelled }: Claim): number | undefined {
    return [led?.port, labelled].find((port) => port !== undefined && this.free.has(port));
  }

  /** Whether the last of so many more is one that the namespace may still have. */
  #reaches(namespace: string, more: number): boolean {
    const used = this.#used.get(namespace) ?? 0;
    if (more > this.free.left) return false;
    if (this.#perNamespace !== undefined) return used + more <= this.#perNamespace;
    return used + more <= this.free.left - more + 1;
  }
}

function count(of: Map<string, number>, namespace: string): void {
  of.set(namespace, (of.get(namespace) ?? 0) + 1);
}

type BySlice = ReadonlyMap<string, readonly SliceInfo[]>;

function bySlicedService(slices: readonly SliceInfo[]): BySlice {
  return Map.groupBy(slices.filter(isOurs), ({ namespace, service, resource = '' }) =>
    [namespace, service, resource].join('/'),
  );
}

function claimsOf({ workload, services }: PortClaimant, bySlice: BySlice, range: PortRange): Claim[] {
  return services.flatMap((service) => {
    const key = [service.namespace, service.name, resourceLabel(workload.name)].join('/');
    const led = ledPorts(service, workload.name, bySlice.get(key) ?? [], range);
    return tcpPortsOf(service).map(({ name = '', port }) => ({
      workload,
      label: portLabel(service.name, port),
      target: [workload.namespace, workload.name, service.name, name].join('/'),
      led: led.get(name),
      labelled: listenPortOf(workload, service.name, port, range),
    }));
  });
}

function byAge(a: Claim, b: Claim): number {
  return (
    compare(a.workload.createdAt, b.workload.createdAt) ||
    compare(a.workload.uid, b.workload.uid) ||
    compare(a.label, b.label)
  );
}

// Sorting is stable: what is as long led there stays in the order of age.
function byLed(a: Claim, b: Claim): number {
  return compare(a.led?.since ?? '', b.led?.since ?? '');
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

// The workload may be gone while its slice still leads there. A claim of the same namespace may take the port over.
function withhold(book: Book, slices: readonly SliceInfo[], claims: readonly Claim[]): void {
  const own = new Set(claims.flatMap(({ led, workload }) => (led ? [`${workload.namespace} ${led.port}`] : [])));
  for (const { namespace, managedBy, ports } of slices) {
    if (!isOurs({ managedBy })) continue;
    for (const { port } of ports) if (!own.has(`${namespace} ${port}`)) book.withhold(namespace, port);
  }
}

function byWorkload(claims: readonly Claim[]): Iterable<readonly Claim[]> {
  return Map.groupBy(claims, ({ workload }) => workload.uid).values();
}

function collect(claimants: readonly PortClaimant[], claims: readonly Claim[], book: Book): PortAllocation {
  const wanted = new Map<Workload, Map<string, string>>(claimants.map(({ workload }) => [workload, new Map()]));
  const refused = new Set<Workload>();
  for (const claim of claims) {
    const port = book.given.get(claim);
    if (port === undefined) refused.add(claim.workload);
    else wanted.get(claim.workload)?.set(claim.label, String(port));
  }
  const patches = [...wanted].flatMap(([workload, labels]) => {
    const changes = labelChanges(workload, labels);
    return Object.keys(changes).length === 0 ? [] : [{ workload, labels: changes }];
  });
  return { patches, refused: [...refused] };
}

function labelChanges(workload: Workload, wanted: ReadonlyMap<string, string>): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  const before = new Map(workload.portLabels.map(({ label, value }) => [label, value]));
  for (const [label, value] of wanted) if (before.get(label) !== value) changes[label] = value;
  for (const label of before.keys()) if (!wanted.has(label)) changes[label] = null;
  return changes;
}

/** Which ports of a range are still free. Taking all of them costs about as many steps as there are. */
export class FreePorts {
  readonly #range: PortRange;
  /** From each port that is taken to one that may be free; `#size` stands for none. */
  readonly #next: Int32Array;
  #left: number;

  constructor(range: PortRange) {
    this.#range = range;
    this.#left = range.to - range.from + 1;
    this.#next = Int32Array.from({ length: this.#left + 1 }, (_, i) => i);
  }

  get left(): number {
    return this.#left;
  }

  has(port: number): boolean {
    const { from, to } = this.#range;
    return port >= from && port <= to && this.#next[port - from] === port - from;
  }

  take(port: number): void {
    if (!this.has(port)) return;
    const i = port - this.#range.from;
    this.#next[i] = i + 1;
    this.#left -= 1;
  }

  /**
   * The first that is free from a place of the target's own on: a port that was just given back is not the next one to
   * be given away, because some kube-proxy may not have heard yet.
   */
  nextFor(target: string): number | undefined {
    if (this.#left === 0) return undefined;
    const size = this.#next.length - 1;
    const start = createHash('sha256').update(target).digest().readUInt32BE() % size;
    const found = this.#find(start);
    return this.#range.from + (found < size ? found : this.#find(0));
  }

  #find(start: number): number {
    let found = start;
    while (this.#next[found] !== found) found = this.#next[found] as number;
    // The way is short for the next that asks.
    for (let i = start; i !== found;) {
      const after = this.#next[i] as number;
      this.#next[i] = found;
      i = after;
    }
    return found;
  }
}
