import type { PortAllocation, PortClaimant } from './allocate-ports.ts';
import type { Workload } from '../workload/workload.ts';

/** How the DLX's ports stand after the last allocation. */
export interface PortUse {
  readonly free: number;
  /** Namespace → ports. */
  readonly used: ReadonlyMap<string, number>;
  /** Those that got none. */
  readonly refused: readonly Workload[];
}

/** The same in numbers. */
export interface PortNumbers extends Omit<PortUse, 'refused'> {
  /** Namespace → workloads. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Of one allocation. `claimants`: as they are once it is written. */
export function portUse(size: number, claimants: readonly PortClaimant[], { refused }: PortAllocation): PortUse {
  const used = new Map<string, number>();
  let free = size;
  for (const { workload } of claimants) {
    const { length } = workload.portLabels;
    if (length > 0) used.set(workload.namespace, (used.get(workload.namespace) ?? 0) + length);
    free -= length;
  }
  return { free: Math.max(0, free), used, refused };
}

/** Namespace → how many of these. */
export function countByNamespace(workloads: readonly Workload[]): ReadonlyMap<string, number> {
  const groups = Map.groupBy(workloads, ({ namespace }) => namespace);
  return new Map([...groups].map(([namespace, { length }]) => [namespace, length]));
}
