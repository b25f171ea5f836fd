import { type Clock, type Logger, resourceKey, type ResourceRef, type ResourceScaler } from '@scaler/scaler-types';
import { whenAborted } from '@scaler/async';
import { CallRate } from './call-rate.ts';
import { guardChanges, guardEndpoints } from './watch-guard.ts';
import { createProblemLog, sentence, shown } from './problem-log.ts';
import { configError } from '../errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { callGuarded, catchLate } from './guarded-call.ts';
import { guardScaleOptions } from './scale-guard.ts';
import { scalerError } from './scaler-error.ts';
import { readResource } from './read-resource.ts';
import { readAnyResults, readConfig, readExplanation, readScaleResults } from './read-values.ts';

declare const guarded: unique symbol;

/** A scaler behind its guard, {@link guardScaler}: it can harm only what it manages. The apps call no other. */
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

/** Milliseconds that a call has after its signal, to leave nothing half done. */
const graceMs = 10_000;
const mostResources = 100_000;

export interface GuardOptions {
  readonly packageName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Stands between the apps and a scaler, in the scaler's own interface. A call that throws, hangs or returns an invalid value
 * fails in one sentence that names the scaler and the member. What a watch sends is read and bounded in number and rate;
 * what is invalid in it is logged.
 */
export function guardScaler(scaler: ResourceScaler, options: GuardOptions): GuardedScaler {
  if (isGuarded(scaler)) return scaler;
  const { packageName, clock, logger } = options;
  const problems = createProblemLog(packageName, clock, logger);
  const rates = new CallRate(clock);
  const parts: Parts = {
    scaler,
    clock,
    say: (member, problem) => sentence(packageName, member, problem),
    onProblem: problems.report,
    call: (member, work, { signal, grace = false } = {}) => {
      const limits = { limitMs: scalerLimits[member], signal, graceMs: grace ? graceMs : 0 };
      const onLate = (problem: string): void => problems.report(member, problem);
      return callGuarded({ packageName, member, clock, ...limits, onLate }, work);
    },
    pace: (member, keys) => {
      for (const key of keys) {
        const refusal = rates.refusal(`${member} ${key}`);
        if (refusal !== undefined) throw new Error(sentence(packageName, member, refusal));
      }
    },
  };
  const made = { ...required(parts), ...watching(parts), ...acting(parts), ...reporting(parts) } as GuardedScaler;
  faultsOf.set(made, problems.counts);
  return made;
}

/** How often each member of a guarded scaler did wrong. */
const faultsOf = new WeakMap<ResourceScaler, ReadonlyMap<string, number>>();

function isGuarded(scaler: ResourceScaler): scaler is GuardedScaler {
  return faultsOf.has(scaler);
}

/** Shows how often the scaler did wrong, by member. */
export function showScalerFaults(metrics: Metrics, scaler: GuardedScaler): void {
  metrics.gauge({
    name: 'plugin_faults',
    help: 'What the resource scaler did wrong since the start (too slow, of a wrong shape, too often), by its member.',
    labels: ['member'],
    collect: (set) => faultsOf.get(scaler)?.forEach((count, member) => set({ member }, count)),
  });
}

interface Parts {
  readonly scaler: ResourceScaler;
  readonly clock: Clock;
  say(member: string, problem: string): string;
  onProblem(member: string, problem: string, of?: ResourceRef): void;
  call<T>(
    member: keyof typeof scalerLimits,
    work: () => PromiseLike<T> | T,
    options?: { signal?: AbortSignal; grace?: boolean },
  ): Promise<T>;
  /** @throws Error when the member was called too often for one of the keys. */
  pace(member: string, keys: readonly string[]): void;
}

type Required = Pick<ResourceScaler, 'getConfig' | 'getResources' | 'setScale' | 'resolveServiceName'>;

function required(parts: Parts): Required {
  const { scaler, say, onProblem, call, pace } = parts;
  const list = singleFlight((namespace) => scaler.getResources(namespace));
  return {
    async getConfig() {
      const returned: unknown = await call('getConfig', () => scaler.getConfig());
      try {
        return readConfig(returned);
      } catch (error) {
        throw configError(say('getConfig', (error as Error).message));
      }
    },
    async getResources(namespace) {
      const returned: unknown = await call('getResources', () => list(namespace));
      if (!Array.isArray(returned))
        throw new Error(say('getResources', `returned ${shown(returned)}, allowed is a list`));
      if (returned.length > mostResources)
        throw new Error(say('getResources', `returned ${returned.length} resources, allowed are ${mostResources}`));
      return returned.flatMap((one: unknown) => {
        const { resource, problems } = readResource(one);
        for (const problem of problems) onProblem('getResources', problem, resource);
        return resource ?? [];
      });
    },
    async setScale(refs, scale, asked) {
      if (scale > 0) pace('setScale', refs.map(resourceKey));
      const { options, ended } = guardScaleOptions(asked, refs, (problem) => onProblem('setScale', problem, refs[0]));
      try {
        const work = (): unknown => scaler.setScale(refs, scale, options);
        const returned = await call('setScale', work, { signal: asked.signal, grace: scale === 0 });
        return read(parts, 'setScale', returned, (value) =>
          readScaleResults(value, refs, say('setScale', 'failed with')),
        );
      } finally {
        ended();
      }
    },
    async resolveServiceName(ref, port) {
      pace('resolveServiceName', [`${resourceKey(ref)}:${port}`]);
      const returned: unknown = await call('resolveServiceName', () => scaler.resolveServiceName(ref, port));
      if (typeof returned === 'string') return returned;
      throw new Error(say('resolveServiceName', `returned ${shown(returned)}, allowed is host:port`));
    },
  };
}

function watching(parts: Parts): Pick<ResourceScaler, 'watchResources' | 'watchEndpoints' | 'isStale'> {
  const { scaler, clock, say, onProblem } = parts;
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
          onProblem: (problem, of) => onProblem('watchResources', problem, of),
        });
        try {
          const watch = Promise.resolve(scaler.watchResources?.(listening, signal));
          await Promise.race([watch, whenAborted(signal)]);
        } catch (error) {
          throw scalerError(error, say('watchResources', 'threw'));
        } finally {
          silence.end();
        }
      },
    }),
    ...(scaler.watchEndpoints && {
      watchEndpoints: (target, listener, signal) => {
        const report = (problem: string): void => onProblem('watchEndpoints', problem, target.resource);
        const failed = (error: unknown): Error => scalerError(error, say('watchEndpoints', 'threw'));
        try {
          const listening = guardEndpoints({ listener, signal, clock, onProblem: report });
          const result: unknown = scaler.watchEndpoints?.(target, listening, signal);
          catchLate(result, (error) => report(`failed: ${shown(failed(error).message)}`));
        } catch (error) {
          throw failed(error);
        }
      },
    }),
    ...(scaler.isStale && { isStale: guardIsStale(parts) }),
  };
}

/** Lists a namespace once at a time: a call joins the list that has not ended yet. */
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

/** A resource counts as stale when the scaler cannot say. Called for each request that arrives. */
function guardIsStale({ scaler, onProblem }: Parts): (resource: ResourceRef) => boolean {
  return (resource) => {
    try {
      const stale: unknown = scaler.isStale?.(resource);
      if (typeof stale === 'boolean') return stale;
      catchLate(stale, () => {});
      onProblem('isStale', `returned ${shown(stale)}, allowed is true or false`);
      return Boolean(stale);
    } catch (error) {
      onProblem('isStale', `threw ${shown(scalerError(error, '').message)}, so the resource counts as stale`);
      return true;
    }
  };
}

/** Reports again and again that a watch has not sent `synced`, until it has. */
function watchSilence({ clock, onProblem }: Parts, signal: AbortSignal): { end(): void } {
  const limitMs = scalerLimits.getResources;
  let cancel = (): void => {};
  const end = (): void => cancel();
  const again = (forMs: number): void => {
    cancel = clock.after(limitMs, () => {
      onProblem('watchResources', `has not sent synced for ${forMs / 1000} s`);
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
        const returned = await call('reconcile', work, { signal, grace: true });
        return read(parts, 'reconcile', returned, (value) => readAnyResults(value, say('reconcile', 'failed with')));
      },
    }),
    ...(scaler.setBusy && {
      setBusy: async (ref, until, { signal }) => {
        const returned: unknown = await call('setBusy', () => scaler.setBusy?.(ref, until, { signal }), { signal });
        if (returned === undefined || returned === null) return undefined;
        if (typeof returned === 'string' && !Number.isNaN(Date.parse(returned))) return returned;
        throw new Error(say('setBusy', `returned ${shown(returned)}, allowed is an ISO 8601 time or nothing`));
      },
    }),
    ...(scaler.whenUnlisted && {
      whenUnlisted: async (addresses, { signal }) => {
        try {
          await Promise.race([scaler.whenUnlisted?.(addresses, { signal }), whenAborted(signal)]);
        } catch (error) {
          throw scalerError(error, say('whenUnlisted', 'threw'));
        }
      },
    }),
    ...(scaler.close && { close: () => call('close', () => scaler.close?.()) }),
  };
}

function reporting(parts: Parts): Pick<ResourceScaler, 'explain' | 'tell' | 'metrics'> {
  const { scaler, say, onProblem, call } = parts;
  return {
    ...(scaler.explain && {
      explain: async (ref) =>
        read(parts, 'explain', await call('explain', () => scaler.explain?.(ref)), readExplanation),
    }),
    ...(scaler.tell && {
      tell: (ref, notice) => {
        const failed = (error: unknown): void =>
          onProblem('tell', `failed: ${scalerError(error, say('tell', 'threw')).message.slice(0, 200)}`, ref);
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
          const returned: unknown = scaler.metrics?.();
          if (Array.isArray(returned)) return returned;
          catchLate(returned, () => {});
          onProblem('metrics', `returned ${shown(returned)}, allowed is a list of metrics`);
        } catch (error) {
          onProblem('metrics', `threw ${shown(scalerError(error, '').message)}`);
        }
        return [];
      },
    }),
  };
}

/** @throws Error that names the member. */
function read<T>({ say, onProblem }: Parts, member: string, returned: unknown, reader: (value: unknown) => T): T {
  try {
    return reader(returned);
  } catch (error) {
    onProblem(member, (error as Error).message);
    throw new Error(say(member, (error as Error).message), { cause: error });
  }
}
