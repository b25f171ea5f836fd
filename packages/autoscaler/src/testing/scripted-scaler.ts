import {
  type Resource,
  type ResourceChange,
  type ResourceRef,
  type ResourceScaler,
  ScalerError,
  type ScaleOptions,
  type ScaleResult,
} from '@scaler/scaler-types';

/** A park that waits for the test to end it. */
export interface ScriptedPark {
  resource: ResourceRef;
  options: ScaleOptions;
  end(result?: Error): void;
}

/** A scaler whose answers the test gives. */
export interface ScriptedScaler extends ResourceScaler {
  /** Begun after a preflight without objections, and not yet ended, in order. */
  readonly parks: ScriptedPark[];
  /** Every `reconcile`, as `namespace/name` or `*`, in order. */
  readonly reconciled: string[];
  /** A promise that each `reconcile` waits for. */
  reconcileGate: (key: string) => Promise<void>;
  /** The answer of a sweep. */
  sweepResults: readonly ScaleResult[];
  change(change: ResourceChange): void;
  /** Resolves when `count` parks have begun and not ended. */
  whenParks(count: number): Promise<readonly ScriptedPark[]>;
}

export function scriptedScaler(resources: readonly Resource[]): ScriptedScaler {
  const parks: ScriptedPark[] = [];
  const reconciled: string[] = [];
  let listener: (change: ResourceChange) => void = () => undefined;
  let waiting: { count: number; resolve: (parks: readonly ScriptedPark[]) => void }[] = [];
  const check = (): void => {
    waiting.filter(({ count }) => parks.length === count).forEach(({ resolve }) => resolve([...parks]));
    waiting = waiting.filter(({ count }) => parks.length !== count);
  };
  const scaler: ScriptedScaler = {
    parks,
    reconciled,
    reconcileGate: () => Promise.resolve(),
    sweepResults: [],
    change: (change) => listener(change),
    whenParks: (count) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve });
        check();
      }),
    getConfig: () => ({}),
    getResources: () => Promise.resolve(resources),
    resolveServiceName: () => 'localhost:1',
    watchResources(onChange, signal) {
      listener = onChange;
      for (const resource of resources) onChange({ type: 'set', resource });
      onChange({ type: 'synced' });
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    async setScale([resource = { namespace: '', name: '' }], _scale, options) {
      const refusals = (await options.preflight?.(resource, options.signal)) ?? [];
      if (refusals.length > 0) {
        return [{ resource, ok: false, error: new ScalerError('park-refused', refusals.join('; ')) }];
      }
      return new Promise<readonly ScaleResult[]>((resolve, reject) => {
        const end = (error?: Error): void => {
          parks.splice(parks.indexOf(park), 1);
          check();
          resolve([error ? { resource, ok: false, error } : { resource, ok: true }]);
        };
        const park: ScriptedPark = { resource, options, end };
        options.signal.addEventListener('abort', () => {
          parks.splice(parks.indexOf(park), 1);
          reject(options.signal.reason as Error);
        });
        parks.push(park);
        check();
      });
    },
    async reconcile(refs) {
      const key = refs.map(({ namespace, name }) => `${namespace}/${name}`).join() || '*';
      reconciled.push(key);
      await scaler.reconcileGate(key);
      return refs.length === 0 ? scaler.sweepResults : refs.map((resource) => ({ resource, ok: true }));
    },
  };
  return scaler;
}
