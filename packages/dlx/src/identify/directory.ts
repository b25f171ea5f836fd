import { BlockList, isIPv6 } from 'node:net';
import type { Clock, Led, Route, TargetPort } from '@scaler/scaler-types';
import type { Gate } from '../gate/gate.ts';
import type { Lane } from '../gate/lane.ts';
import { Ages, type Claim, Claims, type Found, type RouteClaim, routeKey, RouteTable, ServiceNames } from './claims.ts';
import { parseHost } from '../head/head.ts';

/** The target of a request on the shared port, by its head. */
export interface Address {
  readonly host: string | undefined;
  /** Without query. */
  readonly path: string;
  /** The target header, from a trusted peer only. */
  readonly target: string | undefined;
}

/** The claims that a lane was entered with, to take out the same again. */
interface Entered {
  readonly port: TargetPort;
  readonly createdAt: string | undefined;
  readonly name: Claim;
  /** One as a rule: another where traffic is still led to. */
  readonly ports: readonly PortClaim[];
  readonly routes: ReadonlyMap<string, EnteredRoute> | undefined;
}

interface PortClaim {
  readonly port: number;
  readonly claim: Claim;
}

interface DatedRoute {
  readonly route: Route;
  readonly since: string | undefined;
}

interface EnteredRoute extends DatedRoute {
  readonly claim: RouteClaim;
}

/** Finds the lane that a request is for, by the port it came in on, else by host and path, DNS name or header. */
export class Directory {
  readonly #ports = new Claims<number>();
  readonly #routes = new RouteTable();
  readonly #names: ServiceNames;
  readonly #ages: Ages;
  readonly #gates: ReadonlyMap<string, Gate>;
  readonly #entered = new Map<Lane, Entered>();

  /** `gates`: by `namespace/name`. */
  constructor(clusterDomain: string, gates: ReadonlyMap<string, Gate>, clock: Clock) {
    this.#names = new ServiceNames(clusterDomain);
    this.#gates = gates;
    this.#ages = new Ages(clock);
  }

  /** The DLX's own ports that are allocated now. */
  get listenPorts(): Iterable<number> {
    return this.#ports.keys();
  }

  /** All that was there at the start has been entered. */
  started(): void {
    this.#ages.started();
  }

  /** Enters a gate's lanes as they are now, in place of those that it had. */
  set(gate: Gate, lanesBefore: Iterable<Lane>): void {
    const now = new Set(gate.lanes);
    for (const lane of lanesBefore) if (!now.has(lane)) this.#leave(lane);
    for (const lane of now) this.#enter(lane);
  }

  remove(gate: Gate): void {
    for (const lane of gate.lanes) this.#leave(lane);
  }

  /** By the DLX's own port; of several that claim it, the oldest has it. */
  byPort(port: number): Lane | undefined {
    return this.#ports.first(port)?.lane;
  }

  /** The keys that were tried in vain. */
  tried(address: Address): string[] {
    const tried: string[] = [];
    this.identify(address, tried);
    return tried;
  }

  /** On the shared port; undefined: {@link tried} lists what was looked for. */
  identify({ host, path, target }: Address, tried?: string[]): Lane | undefined {
    const name = host === undefined ? undefined : parseHost(host);
    if (name !== undefined) {
      // The full name of a Service is no other tenant's host.
      const service = this.#names.withoutSuffix(name.name);
      const byFullName = service === undefined ? undefined : this.#names.find(service, name.port);
      if (isLane(byFullName)) return byFullName;
      const byRoute = this.#routes.find(name.name, path);
      if (isLane(byRoute)) return byRoute;
      tried?.push(triedKey(`host ${name.name} path ${path}`, byRoute));
      const byName = service === undefined ? this.#names.find(name.name, name.port) : byFullName;
      if (isLane(byName)) return byName;
      tried?.push(triedKey(`service ${name.name}${name.port === undefined ? '' : `:${name.port}`}`, byName));
    }
    if (target !== undefined) {
      const byHeader = this.#byTarget(target);
      if (isLane(byHeader)) return byHeader;
      tried?.push(triedKey(`target header ${target}`, byHeader));
    }
    const any = this.#routes.findAnyHost(path);
    if (isLane(any)) return any;
    tried?.push(triedKey(`any host, path ${path}`, any));
    return undefined;
  }

  /** `namespace/service:port`, `namespace/service` or `namespace/resource`. */
  #byTarget(target: string): Found {
    const match = /^([^/\s]+)\/([^/:\s]+)(?::(\d{1,5}))?$/.exec(target.trim());
    if (match === null) return undefined;
    const [, namespace, name, port] = match as unknown as [string, string, string, string | undefined];
    const byService = this.#names.find(
      `${name}.${namespace}`.toLowerCase(),
      port === undefined ? undefined : Number(port),
    );
    if (byService !== undefined) return byService;
    const lanes = this.#gates.get(`${namespace}/${name}`)?.lanes ?? [];
    const named = port === undefined ? lanes : lanes.filter((lane) => lane.port.port === Number(port));
    return named.length > 1 ? 'ambiguous' : named[0];
  }

  // Claims that a lane had stay as old as they were.
  #enter(lane: Lane): void {
    const { port } = lane;
    const before = this.#entered.get(lane);
    const { createdAt } = lane.gate.resource;
    if (before?.port === port && before.createdAt === createdAt) return;
    const name = before?.name ?? { lane, ledMs: Infinity, ...this.#ages.of(createdAt) };
    if (before === undefined) this.#names.add(name);
    const ports = this.#portsOf(lane, before);
    const routes = this.#routesOf(lane, before);
    this.#entered.set(lane, { port, createdAt, name, ports, routes });
  }

  #portsOf(lane: Lane, before: Entered | undefined): readonly PortClaim[] {
    for (const { port, claim } of before?.ports ?? []) this.#ports.remove(port, claim);
    const { listenPort, led } = lane.port;
    const wanted = [led?.port, listenPort === led?.port ? undefined : listenPort].filter((port) => port !== undefined);
    const ports = wanted.map((port) => {
      const known = before?.ports.find((one) => one.port === port)?.claim;
      const { sinceMs, seq } = known ?? this.#ages.of(lane.gate.resource.createdAt);
      return { port, claim: { lane, ledMs: port === led?.port ? ledMsOf(led) : Infinity, sinceMs, seq } };
    });
    for (const { port, claim } of ports) this.#ports.add(port, claim);
    return ports;
  }

  #routesOf(lane: Lane, before: Entered | undefined): Entered['routes'] {
    for (const { route, claim } of before?.routes?.values() ?? []) this.#routes.remove(route, claim);
    const { routes } = lane.port;
    if (routes === undefined || routes.length === 0) return undefined;
    const entered = new Map<string, EnteredRoute>();
    for (const [key, { route, since }] of distinct(lane)) {
      const known = before?.routes?.get(key);
      const isSame = known !== undefined && known.since === since;
      const { sinceMs, seq } = isSame ? known.claim : this.#ages.of(since);
      entered.set(key, {
        route,
        since,
        claim: { lane, ledMs: Infinity, sinceMs, seq, ambiguous: route.ambiguous === true },
      });
    }
    for (const { route, claim } of entered.values()) this.#routes.add(route, claim);
    return entered;
  }

  #leave(lane: Lane): void {
    const entered = this.#entered.get(lane);
    if (entered === undefined) return;
    this.#entered.delete(lane);
    this.#names.remove(entered.name);
    const { ports, routes } = entered;
    for (const { route, claim } of routes?.values() ?? []) this.#routes.remove(route, claim);
    for (const { port, claim } of ports) this.#ports.remove(port, claim);
  }
}

// A route that one target declares twice is as old as the older, and ambiguous if either is.
function distinct({ port, gate }: Lane): ReadonlyMap<string, DatedRoute> {
  const found = new Map<string, DatedRoute>();
  for (const [i, route] of (port.routes ?? []).entries()) {
    const since = port.routesSince?.[i] || gate.resource.createdAt;
    const key = routeKey(route);
    const other = found.get(key);
    if (other === undefined) found.set(key, { route, since });
    else {
      const ambiguous = other.route.ambiguous === true || route.ambiguous === true;
      const isOlder = (since ?? '') < (other.since ?? '');
      found.set(key, { route: { ...route, ambiguous }, since: isOlder ? since : other.since });
    }
  }
  return found;
}

// Later than any that is known, and before those that are led nowhere.
function ledMsOf({ since = '' }: Led): number {
  const ms = Date.parse(since);
  return Number.isNaN(ms) ? Number.MAX_VALUE : ms;
}

function isLane(found: Found): found is Lane {
  return found !== undefined && found !== 'ambiguous';
}

function triedKey(key: string, found: Found): string {
  return found === 'ambiguous' ? `${key} (claimed by several)` : key;
}

/** Answers whether an address is one of the trusted peers. */
export type Trust = (address: string | undefined) => boolean;

/**
 * Trust in a list of `address` and `address/prefix`.
 *
 * @throws when an entry is neither.
 */
export function trustOf(cidrs: readonly string[]): Trust {
  if (cidrs.length === 0) return () => false;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    if (address === undefined) return false;
    const plain = plainAddress(address);
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

/** An IPv4 address as such also where the socket is a dual-stack one. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
