import { createHash } from 'node:crypto';
import type { Workload } from '../state/workload.ts';
import { resourceLabel } from './build-slice.ts';
import { labelValue } from '../state/labels.ts';
import { defaultPortRange, listenPortOf, portLabel, type PortRange } from './port-label.ts';
import { isOurs } from './routing.ts';
import type { ServiceInfo } from './service-info.ts';
import type { SliceInfo } from './slice-info.ts';

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
  /** Workloads that got no port for some target, because the range is full. */
  readonly refused: readonly Workload[];
}

interface Claim {
  readonly workload: Workload;
  readonly label: string;
  readonly target: string;
  /** What it has by its label, or, where the label is no good, by its slice. */
  readonly port: number | undefined;
  /** A slice of ours carries that port for this target now. */
  readonly carried: boolean;
}

/**
 * Gives every TCP port of every managed Service a DLX port of its own. Pure, and stable: who has a port keeps it.
 * Where two have the same, it stays with the one whose slice carries it now, then with the older workload. A port that
 * a slice of ours still carries for another target is not given away: traffic for that one arrives there.
 * `claimants` must be all there are: labels for Services that are not among them are removed.
 */
export function allocatePorts(
  claimants: readonly PortClaimant[],
  slices: Iterable<SliceInfo>,
  range: PortRange = defaultPortRange,
): PortAllocation {
  const carried = carriedPorts(slices);
  const claims = claimants.flatMap((claimant) => claimsOf(claimant, carried, range)).sort(byPrecedence);
  const taken = new Set<number>();
  const given = new Map<Claim, number>();
  const give = (claim: Claim, port: number): void => {
    taken.add(port);
    given.set(claim, port);
  };
  for (const claim of claims) {
    if (claim.port !== undefined && isFree(claim.port, claim.target, taken, carried)) give(claim, claim.port);
  }
  const free = new FreePorts(range, (port) => taken.has(port) || carried.byPort.has(port));
  for (const claim of claims) {
    if (given.has(claim)) continue;
    const own = portCarriedFor(claim.target, carried, range);
    const port = own !== undefined && !taken.has(own) ? own : free.take(claim.target);
    if (port !== undefined) give(claim, port);
  }
  return collect(claimants, claims, given);
}

/** The ports that slices of ours carry, and for which targets. */
interface CarriedPorts {
  readonly byPort: ReadonlyMap<number, ReadonlySet<string>>;
  readonly byTarget: ReadonlyMap<string, readonly number[]>;
}

function carriedPorts(slices: Iterable<SliceInfo>): CarriedPorts {
  const byPort = new Map<number, Set<string>>();
  const byTarget = new Map<string, number[]>();
  for (const slice of slices) {
    if (!isOurs(slice)) continue;
    for (const { name, port } of slice.ports) {
      const target = targetText(slice.namespace, slice.resource ?? '', slice.service, name);
      addTo(byPort, port, () => new Set()).add(target);
      addTo(byTarget, target, (): number[] => []).push(port);
    }
  }
  return { byPort, byTarget };
}

function addTo<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function claimsOf({ workload, services }: PortClaimant, carried: CarriedPorts, range: PortRange): Claim[] {
  return services.flatMap((service) =>
    service.ports
      .filter(({ protocol }) => protocol === 'TCP')
      .map(({ name, port: servicePort }) => {
        const target = targetText(workload.namespace, resourceLabel(workload.name), service.name, name);
        const port = listenPortOf(workload, service.name, servicePort, range) ?? portCarriedFor(target, carried, range);
        const isCarried = port !== undefined && carried.byPort.get(port)?.has(target) === true;
        return { workload, label: portLabel(service.name, servicePort), target, port, carried: isCarried };
      }),
  );
}

function targetText(namespace: string, resource: string, service: string, portName: string | undefined): string {
  return [namespace, resource, service, portName ?? ''].join('/');
}

function portCarriedFor(target: string, { byTarget }: CarriedPorts, range: PortRange): number | undefined {
  for (const port of byTarget.get(target) ?? []) if (port >= range.from && port <= range.to) return port;
  return undefined;
}

function byPrecedence(a: Claim, b: Claim): number {
  if (a.carried !== b.carried) return a.carried ? -1 : 1;
  const left = [a.workload.createdAt, a.workload.uid, a.label];
  const right = [b.workload.createdAt, b.workload.uid, b.label];
  const differs = left.findIndex((text, i) => text !== right[i]);
  return differs < 0 ? 0 : (left[differs] ?? '') < (right[differs] ?? '') ? -1 : 1;
}

function isFree(port: number, target: string, taken: ReadonlySet<number>, carried: CarriedPorts): boolean {
  const targets = carried.byPort.get(port);
  return !taken.has(port) && (targets === undefined || targets.has(target));
}

/** Ports of the range that are not taken. Each look goes on where others have ended: all of them together pass each port once. */
class FreePorts {
  readonly #range: PortRange;
  readonly #isTaken: (port: number) => boolean;
  /** Offset → the next one that may be free; itself where nothing is known. */
  readonly #next: Uint16Array;
  #left: number;

  constructor(range: PortRange, isTaken: (port: number) => boolean) {
    this.#range = range;
    this.#isTaken = isTaken;
    this.#left = range.to - range.from + 1;
    this.#next = Uint16Array.from({ length: this.#left }, (_, i) => i);
  }

  // Starts at a place of the target's own: a port that was just given back is not the next one to be given away, because
  // some kube-proxy may not have heard yet.
  take(target: string): number | undefined {
    const size = this.#next.length;
    let at = createHash('sha256').update(target).digest().readUInt32BE() % size;
    for (; this.#left > 0; this.#left -= 1) {
      at = this.#find(at);
      this.#next[at] = (at + 1) % size;
      const port = this.#range.from + at;
      if (this.#isTaken(port)) continue;
      this.#left -= 1;
      return port;
    }
    return undefined;
  }

  /** The next offset that was not looked at, with the way there made short. */
  #find(from: number): number {
    let at = from;
    while (this.#next[at] !== at) at = this.#next[at] as number;
    for (let i = from; this.#next[i] !== i;) {
      const next = this.#next[i] as number;
      this.#next[i] = at;
      i = next;
    }
    return at;
  }
}

function collect(
  claimants: readonly PortClaimant[],
  claims: readonly Claim[],
  given: ReadonlyMap<Claim, number>,
): PortAllocation {
  const wanted = new Map<Workload, Map<string, string>>(claimants.map(({ workload }) => [workload, new Map()]));
  const refused = new Set<Workload>();
  for (const claim of claims) {
    const port = given.get(claim);
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
  for (const [label, value] of wanted) if (labelValue(workload, label) !== value) changes[label] = value;
  for (const { label } of workload.portLabels) if (!wanted.has(label)) changes[label] = null;
  return changes;
}
