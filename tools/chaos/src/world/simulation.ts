import type { EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import type { Activity } from '../sim/activity.ts';
import type { Timeline } from '../sim/timeline.ts';
import type { Random } from '../random.ts';
import type { Counts } from '../counts.ts';

/** The parts that everything in one simulated world shares. */
export interface Simulation {
  readonly cluster: EmbeddedCluster;
  readonly timeline: Timeline;
  readonly activity: Activity;
  /** For choices while the world runs; the script has a generator of its own. */
  readonly random: Random;
  readonly counts: Counts;
}
