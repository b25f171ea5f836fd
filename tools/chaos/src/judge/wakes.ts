import type { ApiRequest, FaultHook } from '@scaler/testing-kit';
import type { Report, Scene } from './scene.ts';

/** A DLX has one wake of a resource under way, however many requests wait for it. */
export interface WakeWatch {
  readonly hook: FaultHook;
  close(): void;
}

export function createWakeWatch({ audit, timeline }: Scene, report: Report): WakeWatch {
  // By DLX and resource: wakes that have no answer, and that the DLX has not given up. It reads before it tries again.
  const underWay = new Map<string, number>();
  const keyOf = ({ user, namespace, name }: Pick<ApiRequest, 'user' | 'namespace' | 'name'>): string =>
    `${user} ${namespace}/${name}`;
  const end = audit.onEntry((entry) => {
    if (entry.verb === 'patch') underWay.set(keyOf(entry), Math.max(0, (underWay.get(keyOf(entry)) ?? 0) - 1));
  });
  return {
    hook: (request, phase) => {
      if (phase !== 'before' || !request.user.startsWith('dlx') || request.resource !== 'deployments') return;
      const key = keyOf(request);
      if (request.verb === 'get') {
        underWay.delete(key);
        return;
      }
      const now = (underWay.get(key) ?? 0) + 1;
      underWay.set(key, now);
      if (now > 1) report('one wake at a time', `${key}: ${now} wakes at once at ${Math.round(timeline.ms)} ms`);
    },
    close: end,
  };
}
