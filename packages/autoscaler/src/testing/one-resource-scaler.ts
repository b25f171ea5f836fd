import type { CreateResourceScaler, Resource } from '@scaler/scaler-types';

/** A scaler of one resource, `default/web`, which is only a phase in this process. It is polled, not watched. */
export const createResourceScaler: CreateResourceScaler = (): ReturnType<CreateResourceScaler> => {
  const web: Resource = {
    namespace: 'default',
    name: 'web',
    phase: 'awake',
    scaleResources: [],
    targets: [],
    dlxSeesAll: true,
    idleAfterMs: 200,
  };
  let switched = 0;
  return {
    getConfig: () => ({ autoscaler: { lease: false, metricsSource: 'none', scaleInterval: '100ms' } }),
    getResources: () => Promise.resolve([{ ...web }]),
    resolveServiceName: () => 'localhost:1',
    async setScale([resource = web], scale, { preflight, confirm, signal }) {
      await preflight?.(resource, signal);
      const answer = await confirm?.({ resource, epoch: 'e1', addresses: [] }, signal);
      if (answer?.ok === false) return [{ resource, ok: false, error: new Error(answer.reason) }];
      web.phase = scale === 0 ? 'asleep' : 'awake';
      switched += 1;
      return [{ resource, ok: true }];
    },
    metrics: () => [
      { name: 'switched_total', help: 'How often.', kind: 'counter', samples: [{ value: switched }] },
      { name: 'autoscaler_lease_held', help: 'Taken.', kind: 'gauge', samples: [{ value: 5 }] },
    ],
  };
};
