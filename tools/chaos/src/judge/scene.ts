import type { Audit, Store } from '@scaler/testing-kit/kubernetes';
import type { Counts } from '../counts.ts';
import type { Timeline } from '../sim/timeline.ts';
import type { Member } from '../world/fleet.ts';
import type { FleetMetrics } from '../world/metrics.ts';
import type { Program } from '../world/programs.ts';
import type { Traffic } from '../world/traffic.ts';
import type { Vetoes } from '../world/vetoes.ts';

/** The part of a world that the invariants look at. */
export interface Scene {
  readonly timeline: Timeline;
  readonly store: Store;
  readonly audit: Audit;
  readonly metrics: FleetMetrics;
  readonly traffic: Traffic;
  readonly vetoes: Vetoes;
  readonly programs: readonly Program[];
  readonly counts: Counts;
  readonly nodes: number;
  readonly health: Health;
  /** When another client last changed something that costs the resource its routing or its pods; `-Infinity`: never. */
  othersMs(member: Member): number;
  /** Whether the leader has given way to another writer of the resource: it is not diverted meanwhile. */
  givesWay(member: Member): boolean;
}

/** The conditions that excuse the product for a while. */
export interface Health {
  /** When something last was in the product's way: a fault of the API, no leader, a late write under way. */
  readonly disturbedMs: number;
  /** When there last was no ready DLX replica. */
  readonly withoutDlxMs: number;
  /** Addresses of the DLX replicas that are ready. */
  readonly dlx: readonly string[];
}

/** An invariant that does not hold, with the facts. */
export interface Violation {
  readonly invariant: string;
  readonly facts: string;
  readonly ms: number;
}

/** Whether an address is, or was, one of our programs: of the fleet's traffic they get that which leads to a DLX. */
export function isProgram({ programs }: Pick<Scene, 'programs'>, place: string | undefined): boolean {
  return programs.some(({ address }) => place?.startsWith(`${address}:`));
}

export type Report = (invariant: string, facts: string) => void;
