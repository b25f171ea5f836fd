import { brakeParks, times } from '../world/fleet.ts';
import type { Report, Scene } from './scene.ts';

const second = 1_000;

/** The brake: after a failure of the source, only a few parks begin per tick. Call it when an autoscaler begins a park. */
export function createBrakeWatch(scene: Scene, report: Report): (user: string) => void {
  const { timeline } = scene;
  const parks: { readonly user: string; readonly atMs: number }[] = [];
  return (user) => {
    parks.push({ user, atMs: timeline.ms });
    const tickMs = times.interval * second * 0.9;
    const recent = parks.filter((park) => park.user === user && park.atMs > timeline.ms - tickMs).length;
    if (recent <= 10) return;
    const agoMs = timeline.ms - lastFailureMs(scene, user);
    if (agoMs < 1.6 * times.window * second)
      report(
        'the brake',
        `${recent} parks (more than 10, so at most ${brakeParks}) were begun by ${user} within a tick, ${Math.round(agoMs)} ms after the source failed`,
      );
  };
}

/**
 * When the source last gave the autoscaler nothing for a tick. A failure that a retry made good, or that hit only some
 * calls, does not brake.
 */
function lastFailureMs({ audit, timeline }: Scene, user: string): number {
  const asked = audit.entries({ user }).filter(({ path }) => path.startsWith('/apis/custom.metrics'));
  const answered = asked.filter(({ status }) => status === 200);
  const failed = asked.filter(
    ({ status, at }) => status >= 500 && !answered.some((one) => one.at >= at && one.at < at + times.interval * second),
  );
  return Math.max(-Infinity, ...failed.map(({ at }) => at - timeline.clock.now() + timeline.ms));
}
