import type { Clock, Route } from '@scaler/scaler-types';
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

/** The result of a look-up: one lane, several that are equally good, or nothing. */
export type Found = Lane | 'ambiguous' | undefined;

/** A lane's claim to a host and path. */
export interface RouteClaim extends Claim {
  /** Not for a request that names host and path alone. */
  readonly ambiguous: boolean;
}

/** A longer path names nothing here: each request looks for every beginning of its own path that is known. */
export const longestPath = 1024;

/** One host's paths. */
class Paths {
  readonly exact = new Claims<string, RouteClaim>();
  /** Without final slash. */
  readonly prefixes = new Claims<string, RouteClaim>();
  /** How many prefixes there are of each length. */
  readonly lengths = new Map<number, number>();

  get empty(): boolean {
    return this.exact.size === 0 && this.prefixes.size === 0;
  }
}

/** Host and path → lane, as an Ingress matches them. Where two claim the same, the older claim has it. */
export class RouteTable {
  readonly #hosts = new Map<string, Paths>();

  add(route: Route, claim: RouteClaim): void {
    const path = pathOf(route);
    if (path.length > longestPath) return;
    const host = hostKey(route.host);
    const paths = this.#hosts.get(host) ?? new Paths();
    this.#hosts.set(host, paths);
    if (isExact(route)) {
      paths.exact.add(path, claim);
      return;
    }
    const before = paths.prefixes.size;
    paths.prefixes.add(path, claim);
    if (paths.prefixes.size > before) paths.lengths.set(path.length, (paths.lengths.get(path.length) ?? 0) + 1);
  }

  /** `claim`: the one that was added for it. */
  remove(route: Route, claim: RouteClaim): void {
    const path = pathOf(route);
    const host = hostKey(route.host);
    const paths = this.#hosts.get(host);
    if (paths === undefined) return;
    if (isExact(route)) paths.exact.remove(path, claim);
    else {
      const before = paths.prefixes.size;
      paths.prefixes.remove(path, claim);
      if (paths.prefixes.size < before) shorten(paths.lengths, path.length);
    }
    if (paths.empty) this.#hosts.delete(host);
  }

  /** An exact host goes before `*.example.com`; `*` is asked for by {@link findAnyHost}. */
  find(host: string, path: string): Found {
    const exact = this.#match(host, path);
    if (exact !== undefined) return exact;
    const dot = host.indexOf('.');
    return dot === -1 ? undefined : this.#match(`*${host.slice(dot)}`, path);
  }

  findAnyHost(path: string): Found {
    return this.#match('*', path);
  }

  #match(host: string, path: string): Found {
    const paths = this.#hosts.get(host);
    if (paths === undefined) return undefined;
    const claim = paths.exact.first(path) ?? closestPrefix(paths, path);
    return claim?.ambiguous === true ? 'ambiguous' : claim?.lane;
  }
}

/** Two routes of one target with the same key are one. */
export function routeKey(route: Route): string {
  return `${isExact(route) ? 'Exact' : 'Prefix'} ${hostKey(route.host)} ${pathOf(route)}`;
}

/** Prefixes match whole elements: `/foo` matches `/foo` and `/foo/bar`, not `/foobar`. The longest counts. */
function closestPrefix({ prefixes, lengths }: Paths, path: string): RouteClaim | undefined {
  let closest: RouteClaim | undefined;
  let longest = -1;
  for (const length of lengths.keys()) {
    if (length <= longest || length > path.length) continue;
    if (length < path.length && path.charCodeAt(length) !== 47) continue;
    const claim = prefixes.first(path.slice(0, length));
    if (claim === undefined) continue;
    closest = claim;
    longest = length;
  }
  return closest;
}

function shorten(lengths: Map<number, number>, length: number): void {
  const left = (lengths.get(length) ?? 1) - 1;
  if (left === 0) lengths.delete(length);
  else lengths.set(length, left);
}

function isExact({ pathType }: Route): boolean {
  return pathType === 'Exact';
}

function pathOf(route: Route): string {
  const { path = '/' } = route;
  return isExact(route) || !path.endsWith('/') ? path : path.slice(0, -1);
}

function hostKey(host: string): string {
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}

/** One Service, of whatever resources lead by it; as it was first claimed it stands among others of its bare name. */
interface Named extends Claim {
  readonly ports: Claims<number>;
}

/** A Service's DNS names → its lanes: `svc`, `svc.ns`, `svc.ns.svc` and the same with the cluster's domain. */
export class ServiceNames {
  /** By `svc.ns`. */
  readonly #services = new Map<string, Named>();
  /** By `svc`, which may stand for several namespaces: the oldest has it. */
  readonly #bare = new Claims<string, Named>();
  readonly #suffixes: readonly string[];

  constructor(clusterDomain: string) {
    this.#suffixes = [`.svc.${clusterDomain.toLowerCase()}`, '.svc'];
  }

  add(claim: Claim): void {
    const { bare, full } = namesOf(claim.lane);
    let named = this.#services.get(full);
    if (named === undefined) {
      named = { ...claim, ports: new Claims() };
      this.#services.set(full, named);
      this.#bare.add(bare, named);
    }
    named.ports.add(claim.lane.port.port, claim);
  }

  remove(claim: Claim): void {
    const { bare, full } = namesOf(claim.lane);
    const named = this.#services.get(full);
    if (named === undefined) return;
    named.ports.remove(claim.lane.port.port, claim);
    if (named.ports.size > 0) return;
    this.#services.delete(full);
    this.#bare.remove(bare, named);
  }

  /** The part before a suffix that only a Service's name has; undefined: it has none. */
  withoutSuffix(host: string): string | undefined {
    for (const suffix of this.#suffixes) if (host.endsWith(suffix)) return host.slice(0, -suffix.length);
    return undefined;
  }

  /** By `svc.ns` or `svc`; the port selects one of a Service's ports, and may be left out where there is only one. */
  find(name: string, port: number | undefined): Found {
    const named = this.#services.get(name) ?? this.#bare.first(name);
    return named === undefined ? undefined : findPort(named, port);
  }
}

/**
 * The only port, whichever was asked for; of several the one that was. Without one a client means 80, as everywhere
 * in HTTP.
 */
function findPort({ ports }: Named, port = 80): Found {
  const asked = ports.first(port);
  if (asked !== undefined) return asked.lane;
  if (ports.size > 1) return 'ambiguous';
  const [only] = ports.keys();
  return only === undefined ? undefined : ports.first(only)?.lane;
}

function namesOf({ gate, port: { service } }: Lane): { bare: string; full: string } {
  const bare = service.toLowerCase();
  return { bare, full: [bare, gate.ref.namespace.toLowerCase()].join('.') };
}
