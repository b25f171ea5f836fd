import type { CreateResourceScaler, Resource } from '../index.ts';
import { parseResource, resourceKey, ScalerError } from '../index.ts';

const lamp = parseResource({
  namespace: 'home',
  name: 'lamp',
  phase: 'awake',
  scaleResources: [{ metricName: 'movements', windowSize: '5m', threshold: 0 }],
});

export const createResourceScaler: CreateResourceScaler = ({ logger }) => {
  const resources = new Map<string, Resource>([[resourceKey(lamp), lamp]]);
  return {
    getConfig: () => ({ autoscaler: { lease: false, metricsSource: 'none', scaleInterval: '10s' } }),
    getResources: () => Promise.resolve([...resources.values()]),
    resolveServiceName: () => 'localhost:3000',
    setScale: (refs, scale, { reason }) =>
      Promise.resolve(
        refs.map((ref) => {
          const known = resources.get(resourceKey(ref));
          if (!known) {
            const error = new ScalerError('unknown-resource', `there is no ${resourceKey(ref)}`);
            return { resource: ref, ok: false as const, error };
          }
          resources.set(resourceKey(ref), { ...known, phase: scale === 0 ? 'asleep' : 'awake', replicas: scale });
          logger.info('switched', { resource: ref.name, scale, reason: reason.text });
          return { resource: ref, ok: true as const };
        }),
      ),
  };
};
