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

/** The options of a call that is never aborted. */
export const calmly: ScaleOptions = {
  signal: new AbortController().signal,
  reason: { by: 'contract', text: 'the contract is checked' },
};

/** A place with two scalers on it, which watch as in the two apps, and the actions of the cases. */
export class Stage {
  readonly place: ContractPlace;
  readonly ref: ResourceRef;
  readonly clock: Clock;
  autoscaler!: ResourceScaler;
  dlx!: ResourceScaler;
  /** The changes that the DLX's scaler sent, oldest first. */
  readonly changes: ResourceChange[] = [];
  /** The epochs of all calls of `confirm`. */
  readonly epochs: string[] = [];
  readonly #limitMs: number;
  /** Milliseconds between two looks at the platform during a wait. */
  readonly #pollMs: number;
  readonly #scalers: ResourceScaler[] = [];
  readonly #stop = new AbortController();
  #watches: (Promise<void> | undefined)[] = [];

  constructor(place: ContractPlace) {
    const { limitMs = 10_000, clock = systemClock, resource } = place;
    this.place = place;
    this.clock = clock;
    this.ref = { namespace: resource.namespace, name: resource.name };
    this.#limitMs = limitMs;
    this.#pollMs = Math.min(20, limitMs / 25);
  }

  /** @throws the error of `create`. */
  async open(): Promise<this> {
    this.autoscaler = await this.fresh('autoscaler');
    this.dlx = await this.fresh('dlx');
    this.#watches = [
      this.autoscaler.watchResources?.(() => undefined, this.#stop.signal),
      this.dlx.watchResources?.((change) => this.changes.push(change), this.#stop.signal),
    ].map((watch) => watch?.catch(() => undefined));
    return this;
  }

  async close(): Promise<void> {
    await this.bringAwake().catch(() => undefined);
    this.#stop.abort(new Error('the contract has been checked'));
    await this.within('the watches', Promise.all(this.#watches)).catch(() => undefined);
    for (const scaler of this.#scalers) await this.within('close', scaler.close?.()).catch(() => undefined);
  }

  /** Makes the scaler of one more process. */
  fresh = async (role: ScalerContext['role']): Promise<ResourceScaler> => {
    const identity = `contract-${role}-${this.#scalers.length}`;
    const own = { namespaces: undefined, dlxService: undefined, options: {} };
    const scaler = await this.place.create({ role, identity, ...own, logger: silentLogger, clock: this.clock });
    this.#scalers.push(scaler);
    return scaler;
  };

  /** The resource as the autoscaler's scaler lists it. */
  listed = async (): Promise<Resource | undefined> => {
    const all = await this.within('getResources', this.autoscaler.getResources());
    return all.find((one) => resourceKey(one) === resourceKey(this.ref));
  };

  /** Brings the resource awake, serving, and free to be parked. @throws NotReached. */
  bringAwake = async (): Promise<void> => {
    try {
      await this.wake();
      await this.until('awake, serving and not blocked', async () => {
        await this.reconcile();
        const listed = await this.listed();
        const free = listed?.phase === 'awake' && (listed.blocked ?? '') === '';
        return free && (await this.place.serves());
      });
    } catch (cause) {
      throw new NotReached(`it cannot be brought awake: ${(cause as Error).message}`, { cause });
    }
  };

  /** @throws NotReached. */
  putToSleep = async (): Promise<void> => {
    if (await this.#sleeps()) return;
    await this.bringAwake();
    try {
      const result = await this.park();
      if (!result.ok) throw result.error;
      await this.until('asleep', () => this.#sleeps());
    } catch (cause) {
      throw new NotReached(`it cannot be put to sleep: ${(cause as Error).message}`, { cause });
    }
  };

  /** Parks; a refusal is tried again. The fence answers ok unless the options have another. */
  park = async (options: Partial<ScaleOptions> = {}): Promise<ScaleResult> => {
    const { confirm = () => Promise.resolve({ ok: true as const }), ...others } = options;
    const fence: ScaleOptions['confirm'] = (request, confirmSignal) => {
      this.epochs.push(request?.epoch);
      return confirm(request, confirmSignal);
    };
    const endMs = this.clock.monotonic() + this.#limitMs;
    for (;;) {
      const result = await this.#scale(this.autoscaler, 0, { ...others, confirm: fence });
      const again = !result.ok && errorCode(result.error) === 'park-refused' && options.preflight === undefined;
      if (!again || this.clock.monotonic() > endMs) return result;
      await this.clock.sleep(this.#pollMs);
      await this.reconcile();
    }
  };

  wake = (options: Partial<ScaleOptions> = {}): Promise<ScaleResult> => this.#scale(this.dlx, 1, options);

  /** Reconciles all resources, as at a tick. */
  reconcile = async (): Promise<void> => {
    await this.within('reconcile', this.autoscaler.reconcile?.([], calmly));
  };

  /** @throws Error that says `what` was not so in time. */
  until = async (what: string, condition: () => Promise<boolean> | boolean): Promise<void> => {
    const endMs = this.clock.monotonic() + this.#limitMs;
    while (!(await condition())) {
      if (this.clock.monotonic() > endMs) throw new Error(`not so within ${this.#limitMs} ms: ${what}`);
      await this.clock.sleep(this.#pollMs);
    }
  };

  /** @throws Error that says that `what` did not end in time. */
  within = async <T>(what: string, promise: Promise<T> | T | undefined): Promise<T> => {
    const limit = Promise.withResolvers<never>();
    const late = new Error(`${what} has not ended within ${this.#limitMs} ms`);
    const cancel = this.clock.after(this.#limitMs, () => limit.reject(late));
    try {
      return (await Promise.race([promise, limit.promise])) as T;
    } finally {
      cancel();
    }
  };

  /** Lets a few turns pass, in which something must not happen. */
  pause = (): Promise<void> => this.clock.sleep(2 * this.#pollMs);

  async #sleeps(): Promise<boolean> {
    return (await this.listed())?.phase === 'asleep' && !(await this.place.serves());
  }

  async #scale(scaler: ResourceScaler, to: number, options: Partial<ScaleOptions>): Promise<ScaleResult> {
    const scaling = scaler.setScale([this.ref], to, { ...calmly, ...options });
    const [result] = await this.within(`setScale to ${to}`, scaling);
    if (result === undefined) throw new Error(`setScale to ${to} returned no result`);
    return result;
  }
}
