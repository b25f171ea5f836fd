import { type CreateResourceScaler, type Resource, type ResourceScaler, ScalerError } from '@scaler/scaler-types';

interface Fault {
  /** Listed beside `web`. */
  readonly resources?: readonly unknown[];
  readonly members?: (right: ResourceScaler) => object;
}

/** `web`, which is valid and only a phase in this process, beside the fault that the option `fault` names. */
export const createResourceScaler: CreateResourceScaler = ({ options }) => {
  const { resources = [], members } = faults[options['fault'] ?? ''] ?? {};
  const web = resource('web');
  const right: ResourceScaler = {
    getConfig: () => ({ autoscaler: { lease: false, metricsSource: 'none', scaleInterval: '100ms' } }),
    getResources: async () => [...(resources as readonly Resource[]), { ...web }],
    resolveServiceName: () => 'localhost:1',
    async setScale([ref = web], scale, { confirm, signal }) {
      const answer = await confirm?.({ resource: ref, epoch: 'e1', addresses: [] }, signal);
      const no = answer?.ok === false ? new ScalerError('park-cancelled', answer.reason) : undefined;
      if (no !== undefined) return [{ resource: ref, ok: false, error: no }];
      web.phase = scale === 0 ? 'asleep' : 'awake';
      return [{ resource: ref, ok: true }];
    },
  };
  return { ...right, ...members?.(right) } as ResourceScaler;
};

function resource(name: string): Resource {
  const kept = { phase: 'awake', scaleResources: [], targets: [], dlxSeesAll: true, idleAfterMs: 200 } as const;
  return { namespace: 'default', name, ...kept };
}

const fail = (): never => {
  throw new Error('the scaler fails');
};
const never = (): Promise<never> => new Promise(() => {});
const ref = { namespace: 'default', name: 'wrong' };

/** How a park of a resource of that name ends. */
const parks: Readonly<Record<string, () => unknown>> = {
  throws: fail,
  hangs: never,
  nothing: async () => undefined,
  empty: async () => [],
  null: async () => [null],
  'not-ok': async () => [{ ok: false }],
};

function setScaleOf(right: ResourceScaler): ResourceScaler['setScale'] {
  return (refs, scale, options) => {
    const own = parks[refs[0]?.name ?? ''];
    return own === undefined ? right.setScale(refs, scale, options) : (own() as never);
  };
}

export const faults: Readonly<Record<string, Fault>> = {
  'resources that are wrong': {
    resources: [
      { ...ref, phase: 'awake' },
      null,
      'wrong',
      { phase: 'awake' },
      { ...ref, targets: 'web' },
      { ...ref, scaleResources: [{ metricName: 5 }], targets: [] },
      { ...ref, targets: [], busyUntil: 'soon', cooldownMs: 'long' },
      new Proxy({}, { get: fail }),
    ],
  },
  'parks that go wrong, and isStale that throws of them': {
    resources: Object.keys(parks).map(resource),
    members: (right) => ({
      setScale: setScaleOf(right),
      isStale: ({ name }: Resource) => (name === 'throws' ? fail() : false),
    }),
  },
  'reconcile that throws undefined': {
    members: () => ({
      reconcile: () => {
        throw undefined;
      },
    }),
  },
  'reconcile that hangs': { members: () => ({ reconcile: never }) },
  'reconcile that returns null': {
    members: () => ({ reconcile: async () => [null, { ok: true }, { resource: null }] }),
  },
  'metrics and tell that fail': { members: () => ({ metrics: async () => fail(), tell: async () => fail() }) },
};
