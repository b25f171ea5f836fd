import type { Lane } from '../hold/lane.ts';
import type { Found } from './route-table.ts';

/** A Service's DNS names → its lanes: `svc`, `svc.ns`, `svc.ns.svc` and the same with the cluster's domain. */
export class ServiceNames {
  /** By `svc` and by `svc.ns`; a bare `svc` may stand for several namespaces. */
  readonly #lanes = new Map<string, Set<Lane>>();
  readonly #suffixes: readonly string[];

  constructor(clusterDomain: string) {
    this.#suffixes = [`.svc.${clusterDomain.toLowerCase()}`, '.svc'];
  }

  add(lane: Lane): void {
    for (const key of keysOf(lane)) {
      const lanes = this.#lanes.get(key);
      if (lanes === undefined) this.#lanes.set(key, new Set([lane]));
      else lanes.add(lane);
    }
  }

  remove(lane: Lane): void {
    for (const key of keysOf(lane)) {
      const lanes = this.#lanes.get(key);
      lanes?.delete(lane);
      if (lanes?.size === 0) this.#lanes.delete(key);
    }
  }

  /** By host; the port tells a Service's ports apart, and may be left out where there is only one. */
  find(host: string, port: number | undefined): Found {
    const lanes = this.#lanes.get(this.#withoutSuffix(host));
    if (lanes === undefined) return undefined;
    if (lanes.size === 1) return [...lanes][0];
    // Without a port a client means 80, as everywhere in HTTP.
    const named = [...lanes].filter((lane) => lane.target.port === (port ?? 80));
    return named.length === 1 ? named[0] : 'ambiguous';
  }

  #withoutSuffix(host: string): string {
    const suffix = this.#suffixes.find((s) => host.endsWith(s));
    return suffix === undefined ? host : host.slice(0, -suffix.length);
  }
}

function keysOf(lane: Lane): string[] {
  const { service, resource } = lane.target;
  return [service.toLowerCase(), `${service}.${resource.namespace}`.toLowerCase()];
}
