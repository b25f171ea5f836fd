import { type Clock, type Logger, resourceKey, type ResourceRef, type ResourceScaler } from '@scaler/scaler-types';
import { CallRate } from './call-rate.ts';
import { guardChanges } from './change-guard.ts';
import { createComplaints, sentence, shown } from './complaints.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { guardEndpoints } from './endpoint-guard.ts';
import { callGuarded, catchLate } from './guarded-call.ts';
import { guardScaleOptions } from './scale-guard.ts';
import { toldError } from './told-error.ts';
import { readToldResource } from './told-resource.ts';
import { readAnyResults, readConfig, readExplanation, readScaleResults } from './told-values.ts';

declare const guarded: unique symbol;

/** A scaler that can harm nothing but what it manages, {@link guardScaler}. The apps call no other. */
export type GuardedScaler = ResourceScaler & { readonly [guarded]: true };

/** How long each member may take, in milliseconds. The other members of a scaler do not wait, or end with their signal. */
export const scalerLimits = {
  createResourceScaler: 60_000,
  getConfig: 30_000,
  getResources: 30_000,
  setScale: 3_600_000,
  resolveServiceName: 10_000,
  reconcile: 600_000,
  explain: 5_000,
  setBusy: 30_000,
  close: 10_000,
} as const;

/** What it has after its signal to leave nothing half done. */
const graceMs = 10_000;
const mostResources = 100_000;

export interface GuardOptions {
  readonly packageName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Stands between the apps and a scaler, in the scaler's own interface. A call that throws, hangs or tells what it may not
 * fails in one sentence that names the scaler and the member; what it tells of its own accord is read, bounded in number and rate,
 * and told in the log where it is wrong.
 */
export function guardScaler(scaler: ResourceScaler, options: GuardOptions): GuardedScaler {
  if (isGuarded(scaler)) return scaler;
  const { packageName, clock, logger } = options;
  const complaints = createComplaints(packageName, clock, logger);
  const rates = new CallRate(clock);
  const parts: Parts = {
    scaler,
    clock,
    say: (member, problem) => sentence(packageName, member, problem),
    tell: complaints.tell,
    call: (member, work, { signal, grace = false } = {}) => {
      const limits = { limitMs: scalerLimits[member], signal, graceMs: grace ? graceMs : 0 };
      const onLate = (problem: string): void => complaints.tell(member, problem);
      return callGuarded({ packageName, member, clock, ...limits, onLate }, work);
    },
    pace: (member, keys) => {
      for (const key of keys) {
        const refusal = rates.refusal(`${member} ${key}`);
        if (refusal !== undefined) throw new Error(sentence(packageName, member, refusal));
      }
    },
  };
  const made = { ...required(parts), ...watching(parts), ...acting(parts), ...telling(parts) } as GuardedScaler;
  all.set(made, complaints.counts);
  return made;
}

/** With how often each of their members did wrong. */
const all = new WeakMap<ResourceScaler, ReadonlyMap<string, number>>();

function isGuarded(scaler: ResourceScaler): scaler is GuardedScaler {
  return all.has(scaler);
}

/** Shows how often the scaler did wrong, by member. */
export function showScalerFaults(metrics: Metrics, scaler: GuardedScaler): void {
  metrics.gauge({
    name: 'plugin_faults',
    help: 'What the resource scaler did wrong since the start (too slow, of a wrong shape, too often), by its member.',
    labels: ['member'],
    collect: (set) => all.get(scaler)?.forEach((count, member) => set({ member }, count)),
  });
}

interface Parts {
  readonly scaler: ResourceScaler;
  readonly clock: Clock;
  say(member: string, problem: string): string;
  tell(member: string, problem: string, of?: ResourceRef): void;
  call<T>(
    member: keyof typeof scalerLimits,
    work: () => PromiseLike<T> | T,
    options?: { signal?: AbortSignal; grace?: boolean },
  ): Promise<T>;
  /** @throws when one of them was called for too often. */
  pace(member: string, keys: readonly string[]): void;
}

type Required = Pick<ResourceScaler, 'getConfig' | 'getResources' | 'setScale' | 'resolveServiceName'>;

function required(parts: Parts): Required {
  const { scaler, say, tell, call, pace } = parts;
  const list = singleFlight((namespace) => scaler.getResources(namespace));
  return {
    getConfig: async () => read(parts, 'getConfig', await call('getConfig', () => scaler.getConfig()), readConfig),
    async getResources(namespace) {
      const told: unknown = await call('getResources', () => list(namespace));
      if (!Array.isArray(told)) throw new Error(say('getResources', `told ${shown(told)}, allowed is a list`));
      if (told.length > mostResources)
        throw new Error(say('getResources', `told ${told.length} resources, allowed are ${mostResources}`));
      return told.flatMap((one: unknown) => {
        const { resource, problems } = readToldResource(one);
        for (const problem of problems) tell('getResources', problem, resource);
        return resource ?? [];
      });
    },
    async setScale(refs, scale, asked) {
      if (scale > 0) pace('setScale', refs.map(resourceKey));
      const { options, ended } = guardScaleOptions(asked, refs, (problem) => tell('setScale', problem, refs[0]));
      try {
        const work = (): unknown => scaler.setScale(refs, scale, options);
        const told = await call('setScale', work, { signal: asked.signal, grace: scale === 0 });
        return read(parts, 'setScale', told, (value) => readScaleResults(value, refs, say('setScale', 'failed with')));
      } finally {
        ended();
      }
    },
    async resolveServiceName(ref, port) {
      pace('resolveServiceName', [`${resourceKey(ref)}:${port}`]);
      const told: unknown = await call('resolveServiceName', () => scaler.resolveServiceName(ref, port));
      if (typeof told === 'string') return told;
      throw new Error(say('resolveServiceName', `told ${shown(told)}, allowed is host:port`));
    },
  };
}

/** One list of a namespace at a time: one that does not end is waited for again. */
function singleFlight<T>(list: (namespace?: string) => Promise<T>): (namespace?: string) => Promise<T> {
  const pending = new Map<string | undefined, Promise<T>>();
  return (namespace) => {
    const before = pending.get(namespace);
    if (before !== undefined) return before;
    const listing = Promise.resolve(list(namespace)).finally(() => pending.delete(namespace));
    pending.set(namespace, listing);
    return listing;
  };
}

function watching(parts: Parts): Pick<ResourceScaler, 'watchResources' | 'watchEndpoints' | 'isStale'> {
  const { scaler, clock, say, tell } = parts;
  return {
    ...(scaler.watchResources && {
      watchResources: async (listener, signal) => {
        const silence = watchSilence(parts, signal);
        const listening = guardChanges({
          listener: (change) => {
            if (change.type === 'synced') silence.end();
            listener(change);
          },
          ...{ signal, clock },
          tell: (problem, of) => tell('watchResources', problem, of),
        });
        try {
          const watch = Promise.resolve(scaler.watchResources?.(listening, signal));
          await Promise.race([watch, aborted(signal)]);
        } catch (error) {
          throw toldError(error, say('watchResources', 'threw'));
        } finally {
          silence.end();
        }
      },
    }),
    ...(scaler.watchEndpoints && {
      watchEndpoints: (target, listener, signal) => {
        const told = (problem: string): void => tell('watchEndpoints', problem, target.resource);
        const failed = (error: unknown): Error => toldError(error, say('watchEndpoints', 'threw'));
        try {
          const listening = guardEndpoints({ listener, signal, clock, tell: told });
          const result: unknown = scaler.watchEndpoints?.(target, listening, signal);
          catchLate(result, (error) => told(`failed: ${shown(failed(error).message)}`));
        } catch (error) {
          throw failed(error);
        }
      },
    }),
    ...(scaler.isStale && { isStale: guardIsStale(parts) }),
  };
}

/** What cannot be known may be out of date. Asked for every arrival. */
function guardIsStale({ scaler, tell }: Parts): (resource: ResourceRef) => boolean {
  return (resource) => {
    try {
      const stale: unknown = scaler.isStale?.(resource);
      if (typeof stale === 'boolean') return stale;
      catchLate(stale, () => {});
      tell('isStale', `told ${shown(stale)}, allowed is true or false`);
      return Boolean(stale);
    } catch (error) {
      tell('isStale', `threw ${shown(toldError(error, '').message)}, so what it tells counts as out of date`);
      return true;
    }
  };
}

/** Says that a watch has not told everything yet, as long as it has not. */
function watchSilence({ clock, tell }: Parts, signal: AbortSignal): { end(): void } {
  const limitMs = scalerLimits.getResources;
  let cancel = (): void => {};
  const end = (): void => cancel();
  const again = (forMs: number): void => {
    cancel = clock.after(limitMs, () => {
      tell('watchResources', `has not told synced for ${forMs / 1000} s`);
      again(forMs + limitMs);
    });
  };
  again(limitMs);
  signal.addEventListener('abort', end, { once: true });
  return { end };
}

function acting(parts: Parts): Pick<ResourceScaler, 'reconcile' | 'setBusy' | 'whenUnlisted' | 'close'> {
  const { scaler, say, call } = parts;
  return {
    ...(scaler.reconcile && {
      reconcile: async (refs, { signal }) => {
        const work = (): unknown => scaler.reconcile?.(refs, { signal });
        const told = await call('reconcile', work, { signal, grace: true });
        return read(parts, 'reconcile', told, (value) => readAnyResults(value, say('reconcile', 'failed with')));
      },
    }),
    ...(scaler.setBusy && {
      setBusy: async (ref, until, { signal }) => {
        const told: unknown = await call('setBusy', () => scaler.setBusy?.(ref, until, { signal }), { signal });
        if (told === undefined || told === null) return undefined;
        if (typeof told === 'string' && !Number.isNaN(Date.parse(told))) return told;
        throw new Error(say('setBusy', `told ${shown(told)}, allowed is an ISO 8601 time or nothing`));
      },
    }),
    ...(scaler.whenUnlisted && {
      whenUnlisted: async (addresses, { signal }) => {
        try {
          await Promise.race([scaler.whenUnlisted?.(addresses, { signal }), aborted(signal)]);
        } catch (error) {
          throw toldError(error, say('whenUnlisted', 'threw'));
        }
      },
    }),
    ...(scaler.close && { close: () => call('close', () => scaler.close?.()) }),
  };
}

function telling(parts: Parts): Pick<ResourceScaler, 'explain' | 'tell' | 'metrics'> {
  const { scaler, say, tell, call } = parts;
  return {
    ...(scaler.explain && {
      explain: async (ref) =>
        read(parts, 'explain', await call('explain', () => scaler.explain?.(ref)), readExplanation),
    }),
    ...(scaler.tell && {
      tell: (ref, notice) => {
        const failed = (error: unknown): void =>
          tell('tell', `failed: ${toldError(error, say('tell', 'threw')).message.slice(0, 200)}`, ref);
        try {
          const result: unknown = scaler.tell?.(ref, notice);
          catchLate(result, failed);
        } catch (error) {
          failed(error);
        }
      },
    }),
    ...(scaler.metrics && {
      metrics: () => {
        try {
          const told: unknown = scaler.metrics?.();
          if (Array.isArray(told)) return told;
          catchLate(told, () => {});
          tell('metrics', `told ${shown(told)}, allowed is a list of metrics`);
        } catch (error) {
          tell('metrics', `threw ${shown(toldError(error, '').message)}`);
        }
        return [];
      },
    }),
  };
}

/** @throws Error that names the member. */
function read<T>({ say, tell }: Parts, member: string, told: unknown, reader: (value: unknown) => T): T {
  try {
    return reader(told);
  } catch (error) {
    tell(member, (error as Error).message);
    throw new Error(say(member, (error as Error).message), { cause: error });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
