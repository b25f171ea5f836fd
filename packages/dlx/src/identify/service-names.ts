import type { Lane } from '../hold/lane.ts';
import { Claims } from './claims.ts';
import type { Found } from './route-table.ts';

/** A Service's DNS names → its lanes: `svc`, `svc.ns`, `svc.ns.svc` and the same with the cluster's domain. */
export class ServiceNames {
  /** By `svc` and by `svc.ns`; a bare `svc` may stand for several namespaces. */
  readonly #lanes = new Claims<string>();
  readonly #suffixes: readonly string[];

  constructor(clusterDomain: string) {
    this.#suffixes = [`.svc.${clusterDomain.toLowerCase()}`, '.svc'];
  }

  add(lane: Lane): void {
    for (const key of keysOf(lane)) this.#lanes.add(key, lane);
  }

  remove(lane: Lane): void {
    for (const key of keysOf(lane)) this.#lanes.remove(key, lane);
  }

  /** By host; the port tells a Service's ports apart, and may be left out where there is only one. */
  find(host: string, port: number | undefined): Found {
    // Without a port a client means 80, as everywhere in HTTP.
    return this.#lanes.find(this.#withoutSuffix(host), (lane) => lane.port.port === (port ?? 80));
  }

  #withoutSuffix(host: string): string {
    const suffix = this.#suffixes.find((s) => host.endsWith(s));
    return suffix === undefined ? host : host.slice(0, -suffix.length);
  }
}

function keysOf({ gate, port: { service } }: Lane): string[] {
  return [service, [service, gate.ref.namespace].join('.')].map((name) => name.toLowerCase());
}
