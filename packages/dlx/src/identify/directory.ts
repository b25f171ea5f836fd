import type { TargetPort } from '@scaler/scaler-types';
import type { Gate } from '../gate.ts';
import type { Lane } from '../hold/lane.ts';
import { Claims } from './claims.ts';
import { parseHost } from './host.ts';
import { type Found, RouteTable } from './route-table.ts';
import { ServiceNames } from './service-names.ts';

/** What a request on the shared port says of its target. */
export interface Address {
  readonly host: string | undefined;
  /** Without query. */
  readonly path: string;
  /** The target header, from a trusted peer only. */
  readonly target: string | undefined;
}

/** Who a request is for: known resources only, by the port it came in on, else by host and path, DNS name or header. */
export class Directory {
  readonly #ports = new Claims<number>();
  readonly #routes = new RouteTable();
  readonly #names: ServiceNames;
  readonly #gates: ReadonlyMap<string, Gate>;

  /** `gates`: by `namespace/name`. */
  constructor(clusterDomain: string, gates: ReadonlyMap<string, Gate>) {
    this.#names = new ServiceNames(clusterDomain);
    this.#gates = gates;
  }

  /** The DLX's own ports that are allocated now. */
  get listenPorts(): Iterable<number> {
    return this.#ports.keys();
  }

  /** Enters a gate's lanes as they are now, in place of those that it had. */
  set(gate: Gate, lanesBefore: Iterable<Lane>): void {
    for (const lane of lanesBefore) this.#leave(lane);
    for (const lane of gate.lanes) this.#enter(lane);
  }

  remove(gate: Gate): void {
    for (const lane of gate.lanes) this.#leave(lane);
  }

  /** By the DLX's own port; two resources that were given the same one: neither has it. */
  byPort(port: number): Found {
    return this.#ports.find(port);
  }

  /** What is declared of a target's own port. */
  targetPort(port: number): TargetPort | undefined {
    const lane = this.byPort(port);
    return lane === undefined || lane === 'ambiguous' ? undefined : lane.port;
  }

  /** On the shared port; undefined: {@link tried} tells what was looked for. */
  identify(address: Address): Lane | undefined {
    return this.#look(address);
  }

  /** The keys that were tried in vain. */
  tried(address: Address): string[] {
    const tried: string[] = [];
    this.#look(address, tried);
    return tried;
  }

  #look({ host, path, target }: Address, tried?: string[]): Lane | undefined {
    const name = host === undefined ? undefined : parseHost(host);
    if (name !== undefined) {
      const byRoute = this.#routes.find(name.name, path);
      if (isLane(byRoute)) return byRoute;
      tried?.push(told(`host ${name.name} path ${path}`, byRoute));
      const byName = this.#names.find(name.name, name.port);
      if (isLane(byName)) return byName;
      tried?.push(told(`service ${name.name}${name.port === undefined ? '' : `:${name.port}`}`, byName));
    }
    if (target !== undefined) {
      const byHeader = this.#byTarget(target);
      if (isLane(byHeader)) return byHeader;
      tried?.push(told(`target header ${target}`, byHeader));
    }
    const any = this.#routes.findAnyHost(path);
    if (isLane(any)) return any;
    tried?.push(told(`any host, path ${path}`, any));
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

  #enter(lane: Lane): void {
    const { port } = lane;
    lane.entered = port;
    this.#names.add(lane);
    for (const route of port.routes ?? []) this.#routes.add(route, lane);
    if (port.listenPort !== undefined) this.#ports.add(port.listenPort, lane);
  }

  #leave(lane: Lane): void {
    const port = lane.entered;
    if (port === undefined) return;
    lane.entered = undefined;
    this.#names.remove(lane);
    for (const route of port.routes ?? []) this.#routes.remove(route, lane);
    if (port.listenPort !== undefined) this.#ports.remove(port.listenPort, lane);
  }
}

function isLane(found: Found): found is Lane {
  return found !== undefined && found !== 'ambiguous';
}

function told(key: string, found: Found): string {
  return found === 'ambiguous' ? `${key} (claimed by several)` : key;
}
