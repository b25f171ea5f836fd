import { type CreateResourceScaler, type Resource, type ResourceScaler, ScalerError } from '@scaler/scaler-types';

/** Two resources that are nothing but phases in this process: `web`, which is right, and `wrong`, as the option `fault` says. */
export const createResourceScaler: CreateResourceScaler = ({ options }) => {
  const fault = options['fault'] ?? '';
  const resource = (name: string): Resource => ({
    ...{ namespace: 'default', name, phase: 'awake', scaleResources: [], targets: [], dlxSeesAll: true },
    idleAfterMs: 200,
  });
  const [web, other] = [resource('web'), resource('other')];
  const spoilt = faults[fault]?.resource;
  const right: ResourceScaler = {
    getConfig: () => ({ lease: false, metricsSource: 'none', scaleInterval: '100ms' }),
    getResources: async () => [...(spoilt === undefined ? [{ ...other }] : [spoilt as Resource]), { ...web }],
    resolveServiceName: () => 'localhost:1',
    async setScale([ref], scale, { confirm, signal }) {
      const one = ref?.name === 'web' ? web : other;
      const answer = await confirm?.({ resource: one, epoch: 'e1', addresses: [] }, signal);
      if (answer?.ok === false)
        return [{ resource: one, ok: false, error: new ScalerError('park-cancelled', answer.reason) }];
      one.phase = scale === 0 ? 'asleep' : 'awake';
      return [{ resource: one, ok: true }];
    },
  };
  const spoil = faults[fault]?.members?.(right) ?? {};
  return { ...right, ...spoil } as ResourceScaler;
};

interface Fault {
  /** Told in place of the other resource. */
  readonly resource?: unknown;
  readonly members?: (right: ResourceScaler) => object;
}

const name = { namespace: 'default', name: 'wrong' };
const fail = (): never => {
  throw new Error('the scaler fails');
};
const never = (): Promise<never> => new Promise(() => {});

function ofOther(right: ResourceScaler, work: () => unknown): object {
  const setScale: ResourceScaler['setScale'] = (refs, scale, options) =>
    refs[0]?.name === 'other' ? (work() as never) : right.setScale(refs, scale, options);
  return { setScale };
}

export const faults: Readonly<Record<string, Fault>> = {
  'a resource without lists': { resource: { ...name, phase: 'awake' } },
  'a resource that is null': { resource: null },
  'a resource without a name': { resource: { phase: 'awake' } },
  'a resource whose targets are a text': { resource: { ...name, targets: 'web' } },
  'a resource whose metrics are wrong': { resource: { ...name, scaleResources: [{ metricName: 5 }], targets: [] } },
  'a resource whose times are texts': { resource: { ...name, targets: [], busyUntil: 'soon', cooldownMs: 'long' } },
  'isStale throws of the other': {
    members: () => ({ isStale: ({ name: of }: { name: string }) => (of === 'other' ? fail() : false) }),
  },
  'setScale of the other throws': { members: (right) => ofOther(right, fail) },
  'setScale of the other hangs': { members: (right) => ofOther(right, never) },
  'setScale of the other tells nothing': { members: (right) => ofOther(right, async () => undefined) },
  'setScale of the other tells null': { members: (right) => ofOther(right, async () => [null]) },
  'reconcile throws': { members: () => ({ reconcile: fail }) },
  'reconcile throws undefined': {
    members: () => ({
      reconcile: () => {
        throw undefined;
      },
    }),
  },
  'reconcile hangs': { members: () => ({ reconcile: never }) },
  'reconcile tells nothing': { members: () => ({ reconcile: async () => undefined }) },
  'reconcile tells null': { members: () => ({ reconcile: async () => [null, { ok: true }, { resource: null }] }) },
  'metrics throws': { members: () => ({ metrics: fail }) },
  'metrics tells a promise that rejects': { members: () => ({ metrics: async () => fail() }) },
  'tell rejects': { members: () => ({ tell: async () => fail() }) },
};
