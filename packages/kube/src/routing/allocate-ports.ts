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
  for (const claim of claims) {
    if (given.has(claim)) continue;
    const port = freePort(claim.target, taken, carried, range);
    if (port !== undefined) give(claim, port);
  }
  return collect(claimants, claims, given);
}

/** Port → the targets for which slices of ours carry it. */
type CarriedPorts = ReadonlyMap<number, ReadonlySet<string>>;

function carriedPorts(slices: Iterable<SliceInfo>): CarriedPorts {
  const carried = new Map<number, Set<string>>();
  for (const slice of slices) {
    if (!isOurs(slice)) continue;
    for (const { name, port } of slice.ports) {
      const target = targetText(slice.namespace, slice.resource ?? '', slice.service, name);
      carried.set(port, (carried.get(port) ?? new Set()).add(target));
    }
  }
  return carried;
}

function claimsOf({ workload, services }: PortClaimant, carried: CarriedPorts, range: PortRange): Claim[] {
  return services.flatMap((service) =>
    service.ports
      .filter(({ protocol }) => protocol === 'TCP')
      .map(({ name, port: servicePort }) => {
        const target = targetText(workload.namespace, resourceLabel(workload.name), service.name, name);
        const port = listenPortOf(workload, service.name, servicePort, range) ?? portCarriedFor(target, carried, range);
        const isCarried = port !== undefined && carried.get(port)?.has(target) === true;
        return { workload, label: portLabel(service.name, servicePort), target, port, carried: isCarried };
      }),
  );
}

function targetText(namespace: string, resource: string, service: string, portName: string | undefined): string {
  return [namespace, resource, service, portName ?? ''].join('/');
}

function portCarriedFor(target: string, carried: CarriedPorts, range: PortRange): number | undefined {
  for (const [port, targets] of carried) {
    if (targets.has(target) && port >= range.from && port <= range.to) return port;
  }
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
  const targets = carried.get(port);
  return !taken.has(port) && (targets === undefined || targets.has(target));
}

// Starts at a place of the target's own: a port that was just given back is not the next one to be given away, because
// some kube-proxy may not have heard yet.
function freePort(
  target: string,
  taken: ReadonlySet<number>,
  carried: CarriedPorts,
  { from, to }: PortRange,
): number | undefined {
  const size = to - from + 1;
  const start = createHash('sha256').update(target).digest().readUInt32BE() % size;
  for (let i = 0; i < size; i++) {
    const port = from + ((start + i) % size);
    if (isFree(port, target, taken, carried)) return port;
  }
  return undefined;
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
