import type { Lane } from '../gate/lane.ts';
import { type Claim, Claims } from './claims.ts';
import type { Found } from './route-table.ts';

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
