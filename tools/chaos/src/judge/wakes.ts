import type { ApiRequest, FaultHook } from '@scaler/testing-kit/kubernetes';
import { plurals } from '../world/fleet.ts';
import type { Report, Scene } from './scene.ts';

// A wake that failed is followed by a longer pause, and the answer to the one before may have been lost with the API.
const atOnceMs = 50;
const workloads: ReadonlySet<string> = new Set(Object.values(plurals));

/** A DLX has one wake of a resource under way, however many requests wait for it. */
export function createWakeWatch({ audit, timeline }: Scene, report: Report): { hook: FaultHook; close(): void } {
  // By DLX and resource: when the wakes without an answer were sent. A read shows that the DLX has given up on one.
  const underWay = new Map<string, number[]>();
  const keyOf = ({ user, namespace, name }: Pick<ApiRequest, 'user' | 'namespace' | 'name'>): string =>
    `${user} ${namespace}/${name}`;
  const end = audit.onEntry((entry) => {
    if (entry.verb === 'patch') underWay.get(keyOf(entry))?.shift();
  });
  return {
    hook: (request, phase) => {
      if (phase !== 'before' || !request.user.startsWith('dlx') || !workloads.has(request.resource)) return;
      const key = keyOf(request);
      if (request.verb === 'get') {
        underWay.delete(key);
        return;
      }
      const before = (underWay.get(key) ?? []).filter((ms) => ms >= timeline.ms - atOnceMs);
      underWay.set(key, [...before, timeline.ms]);
      if (before.length > 0)
        report('one wake at a time', `${key}: ${before.length + 1} wakes at once at ${Math.round(timeline.ms)} ms`);
    },
    close: end,
  };
}
