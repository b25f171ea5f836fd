import {
  type Clock,
  errorCode,
  type Resource,
  type ResourceChange,
  type ResourceRef,
  resourceKey,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleResult,
  type ScalerContext,
  systemClock,
} from '@scaler/scaler-types';
import { silentLogger } from '../loggers.ts';
import type { ContractPlace } from './place.ts';

/** The state that a case needs was not reached; another case reports the reason. */
export class NotReached extends Error {}

/** Milliseconds between two looks at the platform during a wait. */
const pollOf = (limitMs: number): number => Math.min(20, limitMs / 25);

/** A place with two scalers on it, which watch as in the two apps, and the actions of the cases. */
export interface Stage {
  readonly place: ContractPlace;
  readonly ref: ResourceRef;
  readonly clock: Clock;
  readonly autoscaler: ResourceScaler;
  readonly dlx: ResourceScaler;
  /** The changes that the DLX's scaler sent, oldest first. */
  readonly changes: readonly ResourceChange[];
  /** The epochs of all calls of `confirm`. */
  readonly epochs: string[];
  /** The resource as the autoscaler's scaler lists it. */
  listed(): Promise<Resource | undefined>;
  /** Brings the resource awake, serving, and free to be parked. @throws NotReached. */
  bringAwake(): Promise<void>;
  /** @throws NotReached. */
  putToSleep(): Promise<void>;
  /** Parks; a refusal is tried again. The fence answers ok unless the options have another. */
  park(options?: Partial<ScaleOptions>): Promise<ScaleResult>;
  wake(options?: Partial<ScaleOptions>): Promise<ScaleResult>;
  /** Reconciles all resources, as at a tick. */
  reconcile(): Promise<void>;
  /** @throws Error that says `what` was not so in time. */
  until(what: string, condition: () => Promise<boolean> | boolean): Promise<void>;
  /** @throws Error that says that `what` did not end in time. */
  within<T>(what: string, promise: Promise<T> | T | undefined): Promise<T>;
  /** Makes the scaler of one more process. */
  fresh(role: ScalerContext['role']): Promise<ResourceScaler>;
  /** Lets a few turns pass, in which something must not happen. */
  pause(): Promise<void>;
  close(): Promise<void>;
}

export const reason = { by: 'contract', text: 'the contract is checked' };

/** @throws the error of `create`. */
export async function openStage(place: ContractPlace): Promise<Stage> {
  const { limitMs = 10_000, clock = systemClock } = place;
  const pollMs = pollOf(limitMs);
  const ref: ResourceRef = { namespace: place.resource.namespace, name: place.resource.name };
  const stop = new AbortController();
  const scalers: ResourceScaler[] = [];
  const make = async (role: ScalerContext['role']): Promise<ResourceScaler> => {
    const identity = `contract-${role}-${scalers.length}`;
    const logger = silentLogger;
    const own = { namespaces: undefined, dlxService: undefined, options: {} };
    const scaler = await place.create({ role, identity, ...own, logger, clock });
    scalers.push(scaler);
    return scaler;
  };
  const autoscaler = await make('autoscaler');
  const dlx = await make('dlx');
  const changes: ResourceChange[] = [];
  const watches = [
    autoscaler.watchResources?.(() => undefined, stop.signal),
    dlx.watchResources?.((change) => changes.push(change), stop.signal),
  ].map((watch) => watch?.catch(() => undefined));
  const { until, within } = limits(limitMs, clock);
  const stage: Stage = {
    ...{ place, ref, clock, autoscaler, dlx, changes, until, within, fresh: make, epochs: [] },
    async listed() {
      const all = await within('getResources', autoscaler.getResources());
      return all.find((one) => resourceKey(one) === resourceKey(ref));
    },
    ...states(() => stage, limitMs),
    pause: () => clock.sleep(2 * pollMs),
    async close() {
      await stage.bringAwake().catch(() => undefined);
      stop.abort(new Error('the contract has been checked'));
      await within('the watches', Promise.all(watches)).catch(() => undefined);
      for (const scaler of scalers) await within('close', scaler.close?.()).catch(() => undefined);
    },
  };
  return stage;
}

function limits(limitMs: number, clock: Clock): Pick<Stage, 'until' | 'within'> {
  return {
    async until(what, condition) {
      const endMs = clock.monotonic() + limitMs;
      while (!(await condition())) {
        if (clock.monotonic() > endMs) throw new Error(`not so within ${limitMs} ms: ${what}`);
        await clock.sleep(pollOf(limitMs));
      }
    },
    async within(what, promise) {
      const limit = Promise.withResolvers<never>();
      const cancel = clock.after(limitMs, () => limit.reject(new Error(`${what} has not ended within ${limitMs} ms`)));
      try {
        return (await Promise.race([promise, limit.promise])) as Awaited<NonNullable<typeof promise>>;
      } finally {
        cancel();
      }
    },
  };
}

type States = Pick<Stage, 'bringAwake' | 'putToSleep' | 'park' | 'wake' | 'reconcile'>;

function states(now: () => Stage, limitMs: number): States {
  const { signal } = new AbortController();
  const scale = async (scaler: ResourceScaler, to: number, options: ScaleOptions): Promise<ScaleResult> => {
    const [result] = await now().within(`setScale to ${to}`, scaler.setScale([now().ref], to, options));
    if (result === undefined) throw new Error(`setScale to ${to} returned no result`);
    return result;
  };
  return {
    async bringAwake() {
      try {
        await now().wake();
        await now().until('awake, serving and not blocked', async () => {
          await now().reconcile();
          const listed = await now().listed();
          const free = listed?.phase === 'awake' && (listed.blocked ?? '') === '';
          return free && (await now().place.serves());
        });
      } catch (cause) {
        throw new NotReached(`it cannot be brought awake: ${(cause as Error).message}`, { cause });
      }
    },
    async putToSleep() {
      const listed = await now().listed();
      if (listed?.phase === 'asleep' && !(await now().place.serves())) return;
      await now().bringAwake();
      try {
        const result = await now().park();
        if (!result.ok) throw result.error;
        await now().until(
          'asleep',
          async () => (await now().listed())?.phase === 'asleep' && !(await now().place.serves()),
        );
      } catch (cause) {
        throw new NotReached(`it cannot be put to sleep: ${(cause as Error).message}`, { cause });
      }
    },
    async park(options = {}) {
      const { confirm = () => Promise.resolve({ ok: true as const }), ...others } = options;
      const fence: ScaleOptions['confirm'] = (request, confirmSignal) => {
        now().epochs.push(request?.epoch);
        return confirm(request, confirmSignal);
      };
      const { clock } = now();
      const endMs = clock.monotonic() + limitMs;
      for (;;) {
        const result = await scale(now().autoscaler, 0, { signal, reason, ...others, confirm: fence });
        const again = !result.ok && errorCode(result.error) === 'park-refused' && options.preflight === undefined;
        if (!again || clock.monotonic() > endMs) return result;
        await clock.sleep(pollOf(limitMs));
        await now().reconcile();
      }
    },
    wake: (options = {}) => scale(now().dlx, 1, { signal, reason, ...options }),
    async reconcile() {
      await now().within('reconcile', now().autoscaler.reconcile?.([], { signal }));
    },
  };
}
