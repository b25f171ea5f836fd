import type { ApiRequest, FaultHook } from '@scaler/testing-kit';
import type { Report, Scene } from './scene.ts';

/** A DLX has one wake of a resource under way, however many requests wait for it. */
export interface WakeWatch {
  readonly hook: FaultHook;
  close(): void;
}

// Its client gives a write up after ten seconds; whatever is still on its way then was written off.
const writtenOffMs = 9_000;

export function createWakeWatch({ audit, timeline }: Scene, report: Report): WakeWatch {
  const underWay = new Map<string, number[]>();
  const keyOf = ({ user, namespace, name }: Pick<ApiRequest, 'user' | 'namespace' | 'name'>): string =>
    `${user} ${namespace}/${name}`;
  const isWake = ({ user, verb }: Pick<ApiRequest, 'user' | 'verb'>): boolean =>
    user.startsWith('dlx') && verb === 'patch';
  const end = audit.onEntry((entry) => {
    if (isWake(entry)) underWay.get(keyOf(entry))?.shift();
  });
  return {
    hook: (request, phase) => {
      if (phase !== 'before' || !isWake(request)) return;
      const key = keyOf(request);
      const before = (underWay.get(key) ?? []).filter((ms) => ms > timeline.ms - writtenOffMs);
      underWay.set(key, [...before, timeline.ms]);
      if (before.length > 0)
        report('one wake at a time', `${key}: ${before.length + 1} wakes at once at ${Math.round(timeline.ms)} ms`);
    },
    close: end,
  };
}
