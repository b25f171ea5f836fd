import {
  type CreateResourceScaler,
  type Resource,
  resourceKey,
  type ResourceRef,
  type ScaleOptions,
  ScalerError,
} from '@scaler/scaler-types';

const home = { namespace: 'home', name: 'lamp' };

/** The platform of this example: one lamp, whose state every process sees. */
export const lamp = { phase: 'awake' as 'awake' | 'parking' | 'asleep', epoch: 1 };

function resource(): Resource {
  const replicas = lamp.phase === 'asleep' ? 0 : 1;
  const scaleResources = [{ metricName: 'movements', windowSize: 300_000, threshold: 0 }];
  return { ...home, phase: lamp.phase, replicas, scaleResources, targets: [{ service: 'lamp', port: 80 }] };
}

function demandLamp(ref: ResourceRef): void {
  if (resourceKey(ref) !== resourceKey(home)) throw new ScalerError('unknown-resource', `no ${resourceKey(ref)}`);
}

async function switchOff({ preflight, confirm, signal }: ScaleOptions): Promise<void> {
  if (lamp.phase === 'asleep') return;
  const reasons = (await preflight?.(home, signal)) ?? [];
  if (reasons.length > 0) throw new ScalerError('park-refused', reasons.join('; '));
  lamp.phase = 'parking';
  const epoch = ++lamp.epoch;
  try {
    const answer = await confirm?.({ resource: home, epoch: String(epoch), addresses: [] }, signal);
    if (answer?.ok === false) throw new ScalerError('park-cancelled', answer.reason);
    if (lamp.epoch !== epoch) throw new ScalerError('park-cancelled', 'it was switched on meanwhile');
    lamp.phase = 'asleep';
  } finally {
    if (lamp.epoch === epoch && lamp.phase === 'parking') lamp.phase = 'awake';
  }
}

function switchOn(): void {
  if (lamp.phase === 'awake') return;
  lamp.phase = 'awake';
  lamp.epoch += 1;
}

export const createResourceScaler: CreateResourceScaler = () => ({
  getConfig: () => ({ autoscaler: { lease: false, metricsSource: 'none', scaleInterval: '10s' } }),
  getResources: (namespace = 'home') => Promise.resolve(namespace === 'home' ? [resource()] : []),
  resolveServiceName: (ref) => {
    demandLamp(ref);
    return 'localhost:80';
  },
  setScale: (refs, scale, options) =>
    Promise.all(
      refs.map(async (ref) => {
        try {
          demandLamp(ref);
          await (scale === 0 ? switchOff(options) : switchOn());
          return { resource: ref, ok: true as const };
        } catch (error) {
          return { resource: ref, ok: false as const, error: error as Error };
        }
      }),
    ),
});
