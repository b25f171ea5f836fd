import type { Audit, Store } from '@scaler/testing-kit/kubernetes';
import type { Counts } from '../counts.ts';
import type { Timeline } from '../sim/timeline.ts';
import type { Member } from '../world/fleet.ts';
import type { FleetMetrics } from '../world/metrics.ts';
import type { Program } from '../world/programs.ts';
import type { Traffic } from '../world/traffic.ts';
import type { Vetoes } from '../world/vetoes.ts';

/** What of a world the invariants look at. */
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
  /** When somebody else last changed something of a resource that costs it its routing or its pods; `-Infinity`: never. */
  othersMs(member: Member): number;
  /** Whether the leader has backed off from a quarrel about it: it is not diverted meanwhile. */
  givesWay(member: Member): boolean;
}

/** What excuses the product for a while. */
export interface Health {
  /** When something last was in its way: a fault of the API, no leader, a late write on its way. */
  readonly disturbedMs: number;
  /** When there last was no DLX that is ready. */
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

export type Report = (invariant: string, facts: string) => void;
