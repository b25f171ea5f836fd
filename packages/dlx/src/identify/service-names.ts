import type { Lane } from '../hold/lane.ts';
import type { Claim } from './claim.ts';
import { Claims } from './claims.ts';
import type { Found } from './route-table.ts';

/** One Service, of whatever resources lead by it. */
class Named {
  readonly #ports = new Claims<number>();
  /** As it was first claimed: what stands for the Service among others of its bare name. */
  readonly claim: Claim;

  constructor(claim: Claim) {
    this.claim = claim;
  }

  get empty(): boolean {
    return this.#ports.size === 0;
  }

  add(claim: Claim): void {
    this.#ports.add(claim.lane.port.port, claim);
  }

  remove(claim: Claim): void {
    this.#ports.remove(claim.lane.port.port, claim);
  }

  /** The only port, whichever was asked for; of several the one that was. Without one a client means 80, as everywhere in HTTP. */
  find(port: number | undefined): Found {
    if (this.#ports.size > 1) return this.#ports.first(port ?? 80)?.lane ?? 'ambiguous';
    const [only] = this.#ports.keys();
    return only === undefined ? undefined : this.#ports.first(only)?.lane;
  }
}

/** A Service's DNS names → its lanes: `svc`, `svc.ns`, `svc.ns.svc` and the same with the cluster's domain. */
export class ServiceNames {
  /** By `svc.ns`. */
  readonly #services = new Map<string, Named>();
  /** By `svc`, which may stand for several namespaces: the oldest has it. */
  readonly #bare = new Claims<string>();
  readonly #suffixes: readonly string[];

  constructor(clusterDomain: string) {
    this.#suffixes = [`.svc.${clusterDomain.toLowerCase()}`, '.svc'];
  }

  add(claim: Claim): void {
    const { bare, full } = namesOf(claim.lane);
    let named = this.#services.get(full);
    if (named === undefined) {
      named = new Named(claim);
      this.#services.set(full, named);
      this.#bare.add(bare, claim);
    }
    named.add(claim);
  }

  remove(claim: Claim): void {
    const { bare, full } = namesOf(claim.lane);
    const named = this.#services.get(full);
    if (named === undefined) return;
    named.remove(claim);
    if (!named.empty) return;
    this.#services.delete(full);
    this.#bare.remove(bare, named.claim);
  }

  /** Whether it can be nothing but a Service's name. */
  isService(host: string): boolean {
    return this.#suffixes.some((suffix) => host.endsWith(suffix));
  }

  /** By host; the port tells a Service's ports apart, and may be left out where there is only one. */
  find(host: string, port: number | undefined): Found {
    const name = this.#withoutSuffix(host);
    const full = this.#services.get(name);
    if (full !== undefined) return full.find(port);
    const oldest = this.#bare.first(name);
    return oldest && this.#services.get(namesOf(oldest.lane).full)?.find(port);
  }

  #withoutSuffix(host: string): string {
    const suffix = this.#suffixes.find((s) => host.endsWith(s));
    return suffix === undefined ? host : host.slice(0, -suffix.length);
  }
}

function namesOf({ gate, port: { service } }: Lane): { bare: string; full: string } {
  const bare = service.toLowerCase();
  return { bare, full: [bare, gate.ref.namespace.toLowerCase()].join('.') };
}
