import type { EmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import type { Activity } from '../sim/activity.ts';
import type { Timeline } from '../sim/timeline.ts';
import type { Random } from '../random.ts';
import type { Counts } from '../counts.ts';

/** What everything in one simulated world stands on. */
export interface Ground {
  readonly cluster: EmbeddedCluster;
  readonly timeline: Timeline;
  readonly activity: Activity;
  /** For what happens while it runs; the script has one of its own. */
  readonly random: Random;
  readonly counts: Counts;
}
