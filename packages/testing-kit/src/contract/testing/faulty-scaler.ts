import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type EndpointListener,
  type Phase,
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  ScalerError,
  type ScaleOptions,
  type ScaleResult,
  type ScalerContext,
  terminal,
} from '@scaler/scaler-types';
import type { ContractPlace } from '../place.ts';

/** The faults of a scaler, by the only case that should notice them. */
export const faults = {
  'getConfig proposes settings that each app has, as plain values': [
    'nested config',
    'kebab config',
    'flat config',
    'setting of the other app',
  ],
  'getResources returns each resource whole, once, and JSON-safe': ['text threshold', 'listed twice', 'a date'],
  'getResources of a namespace returns its resources, and no others': ['any namespace'],
  'getResources returns the changes of another process': ['cached resources'],
  'resolveServiceName returns host:port of each target': ['only a host'],
  'isStale answers for any resource, also an unknown one': ['isStale throws'],
  'explain returns nothing for a resource that is awake': ['explains always'],
  'tell takes a notice about any resource, does not wait, and does not throw': ['tell throws', 'tell waits'],
  'metrics are gauges and counters with a bounded number of samples': ['metric per resource', 'metric of any name'],
  'watchResources sends every resource, then synced, once': ['synced first', 'synced twice'],
  'watchResources sends the changes of another process': ['watches once'],
  'watchResources sends little about a resource that does not change': ['sent again for ever'],
  'watchResources ends with its signal, and sends nothing after it': ['watch never ends', 'watch goes on'],
  'watchEndpoints sends the IP address, port and id of an awake resource, with a check that passes': [
    'host name as address',
    'failing check',
  ],
  'watchEndpoints sends an empty list at once for a sleeping resource, and endpoints after its wake': [
    'silent while asleep',
    'no wake sent',
  ],
  'watchEndpoints sends nothing after its signal': ['endpoints go on'],
  'close may be called twice, and ends all watches': ['second close throws', 'close ends nothing'],
  'a park stops the resource, which is then asleep with no replicas': ['stops nothing', 'replicas stay'],
  'a park of a sleeping resource succeeds, and leaves it asleep': ['asleep is refused'],
  'confirm is asked once, with the resource and an epoch of its own, while it still serves': [
    'confirm not asked',
    'confirm twice',
    'confirm after the stop',
    'one epoch for ever',
    'confirm without signal',
  ],
  'a confirm that says no leaves it awake, and is the reason of park-cancelled': ['no is yes', 'no without code'],
  'a confirm that fails leaves it awake': ['failure is yes'],
  'a preflight with a reason refuses the park before anything is touched': ['preflight not asked', 'preflight late'],
  'a wake by another process in the middle of a park wins': ['no compare and swap'],
  'an abort ends a park soon, and its steps are undone': ['deaf park', 'parks are left'],
  'a wake resolves once the resource serves': ['wakes too early'],
  'a wake of an awake resource succeeds, and starts nothing anew': ['starts anew'],
  'wakes of two processes at once both end well': ['second wake fails'],
  'an abort ends a wake soon, and the next one ends well': ['deaf wake'],
  'failures come per resource, in order': ['fails as a whole', 'out of order'],
  'calls for an unknown resource fail with unknown-resource': ['another code'],
  'an error of progress has no effect, and its steps are of the resource alone': ['progress throws', 'odd step'],
  'a resource that is paused asleep is not woken: paused, and terminal': ['wakes paused', 'paused is retried'],
  'reconcile leaves a consistent resource alone, awake and asleep': ['reconcile wakes'],
  'a busy lease is kept where every process sees it, is never shortened, and can be ended': [
    'lease shortened',
    'lease for ever',
  ],
  'a busy lease that is given in the middle of a park ends the park': ['lease unheard'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Fault = (typeof faults)[keyof typeof faults][number];

interface Lamp {
  readonly name: string;
  phase: Phase;
  epoch: string;
  lit: boolean;
  /** New at each start. */
  id: string;
  starting: Promise<void> | undefined;
  /** Listeners of its endpoints. */
  wakers: number;
  busyUntil: string | undefined;
}

/** The state that all scalers of a place share, as a cluster is. */
class Switchboard {
  readonly lamps = new Map<string, Lamp>();
  readonly listeners = new Set<(lamp: Lamp) => void>();

  constructor() {
    for (const name of ['hall', 'attic']) {
      const lamp = { name, phase: 'awake', epoch: randomUUID(), lit: true, id: randomUUID() } as const;
      this.lamps.set(`home/${name}`, { ...lamp, starting: undefined, wakers: 0, busyUntil: undefined });
    }
  }

  enter(lamp: Lamp, phase: Phase): string {
    lamp.phase = phase;
    lamp.epoch = randomUUID();
    this.listeners.forEach((listener) => listener(lamp));
    return lamp.epoch;
  }

  find(ref: ResourceRef): Lamp {
    const lamp = this.lamps.get(resourceKey(ref));
    if (!lamp) throw new ScalerError('unknown-resource', `there is no ${resourceKey(ref)}`);
    return lamp;
  }
}

/** A place of two lamps: one to switch, and one that is paused asleep. */
export function faultyPlace(fault: Fault | undefined, clock: Clock): ContractPlace {
  const board = new Switchboard();
  const hall = { namespace: 'home', name: 'hall' };
  return {
    resource: hall,
    paused: { namespace: 'home', name: 'attic' },
    create: ({ role }) => new LampScaler(board, role, clock, fault),
    serves: () => board.find(hall).lit,
    clock,
    limitMs: 500,
  };
}

class LampScaler implements ResourceScaler {
  readonly #board: Switchboard;
  readonly #role: ScalerContext['role'];
  readonly #clock: Clock;
  readonly #fault: Fault | undefined;
  readonly #stop = new AbortController();
  readonly #parks = new Set<string>();
  #cached: readonly Resource[] | undefined;
  #closes = 0;

  constructor(board: Switchboard, role: ScalerContext['role'], clock: Clock, fault: Fault | undefined) {
    this.#clock = clock;
    this.#board = board;
    this.#role = role;
    this.#fault = fault;
  }

  #has(fault: Fault): boolean {
    return this.#fault === fault;
  }

  getConfig() {
    const settings = { scaleInterval: this.#has('nested config') ? { seconds: 1 } : '1s' };
    if (this.#has('kebab config')) return { autoscaler: { 'scale-interval': '1s' } as object };
    if (this.#has('flat config')) return settings as object;
    return { [this.#has('setting of the other app') ? 'dlx' : 'autoscaler']: settings };
  }

  getResources(namespace?: string): Promise<readonly Resource[]> {
    const all = [...this.#board.lamps.values()].map((lamp) => this.#resourceOf(lamp));
    if (this.#has('listed twice')) all.push(...all);
    if (this.#has('cached resources') && this.#role === 'dlx') return Promise.resolve((this.#cached ??= all));
    return Promise.resolve(all.filter((one) => this.#has('any namespace') || (namespace ?? 'home') === one.namespace));
  }

  #resourceOf({ name, phase, lit, busyUntil }: Lamp): Resource {
    const threshold = this.#has('text threshold') ? ('0' as never) : 0;
    return {
      ...{ namespace: 'home', name, phase, replicas: lit || this.#has('replicas stay') ? 1 : 0 },
      scaleResources: [{ metricName: 'movements', windowSize: 60_000, threshold }],
      targets: [{ service: name, port: 80 }],
      ...(busyUntil === undefined ? {} : { busyUntil }),
      ...(this.#has('a date') ? { awakeSince: new Date() as never } : {}),
    };
  }

  resolveServiceName(ref: ResourceRef): string {
    this.#find(ref);
    return this.#has('only a host') ? 'localhost' : 'localhost:80';
  }

  #find(ref: ResourceRef): Lamp {
    if (this.#has('another code') && !this.#board.lamps.has(resourceKey(ref))) throw new Error('no such lamp');
    return this.#board.find(ref);
  }

  async setScale(refs: readonly ResourceRef[], scale: number, options: ScaleOptions): Promise<readonly ScaleResult[]> {
    if (this.#has('fails as a whole')) refs.forEach((ref) => this.#find(ref));
    const results = await Promise.all(
      refs.map(async ({ namespace, name }): Promise<ScaleResult> => {
        const resource = { namespace, name };
        try {
          await (scale === 0 ? this.#park(resource, options) : this.#wake(resource, options));
          return { resource, ok: true };
        } catch (error) {
          return { resource, ok: false, error: error as Error };
        }
      }),
    );
    return this.#has('out of order') ? results.reverse() : results;
  }

  async #park(ref: ResourceRef, options: ScaleOptions): Promise<void> {
    const lamp = this.#find(ref);
    if (lamp.phase === 'asleep' && !this.#has('asleep is refused')) return;
    if (lamp.phase !== 'awake') throw new ScalerError('park-refused', `it is ${lamp.phase}`);
    if (lamp.busyUntil !== undefined) throw new ScalerError('park-refused', 'it has a busy lease');
    if (this.#has('preflight late')) this.#board.enter(lamp, 'parking');
    const reasons = this.#has('preflight not asked') ? [] : ((await options.preflight?.(ref, options.signal)) ?? []);
    if (reasons.length > 0) throw new ScalerError('park-refused', reasons.join('; '));
    const key = resourceKey(ref);
    this.#parks.add(key);
    try {
      await this.#stopLamp(lamp, ref, options);
    } catch (error) {
      lamp.lit = true;
      throw error;
    } finally {
      this.#parks.delete(key);
    }
  }

  async #stopLamp(lamp: Lamp, ref: ResourceRef, options: ScaleOptions): Promise<void> {
    const epoch = this.#board.enter(lamp, 'parking');
    const stop = (): void => {
      if (!this.#has('stops nothing')) lamp.lit = false;
    };
    if (this.#has('confirm after the stop')) stop();
    const answer = await this.#ask(ref, this.#has('one epoch for ever') ? 'e' : epoch, options);
    if (answer !== undefined) {
      lamp.lit = true;
      if (lamp.epoch === epoch) this.#board.enter(lamp, 'awake');
      throw this.#has('no without code') ? new Error(answer) : new ScalerError('park-cancelled', answer);
    }
    if (lamp.epoch !== epoch && !this.#has('no compare and swap')) {
      throw new ScalerError('park-cancelled', 'it was woken meanwhile');
    }
    if (lamp.busyUntil !== undefined && !this.#has('lease unheard')) {
      this.#board.enter(lamp, 'awake');
      throw new ScalerError('park-cancelled', 'it has a busy lease');
    }
    stop();
    if (!this.#has('stops nothing')) this.#board.enter(lamp, 'asleep');
  }

  /** The reason to stop; undefined: go on. */
  async #ask(resource: ResourceRef, epoch: string, { confirm, signal }: ScaleOptions): Promise<string | undefined> {
    if (this.#has('confirm not asked') || !confirm) return undefined;
    const own = this.#has('deaf park') ? new AbortController().signal : signal;
    const request = { resource, epoch, addresses: [] };
    const ask = () => confirm(request, this.#has('confirm without signal') ? (undefined as never) : own);
    if (this.#has('confirm twice')) await ask();
    try {
      const answer = await ask();
      return answer.ok || this.#has('no is yes') ? undefined : answer.reason;
    } catch (error) {
      signal.throwIfAborted();
      return this.#has('failure is yes') ? undefined : `confirm failed: ${(error as Error).message}`;
    }
  }

  async #wake(ref: ResourceRef, { signal, progress }: ScaleOptions): Promise<void> {
    const lamp = this.#find(ref);
    if (lamp.name === 'attic' && !this.#has('wakes paused')) {
      const paused = new ScalerError('paused', 'it is paused asleep');
      throw this.#has('paused is retried') ? paused : terminal(paused);
    }
    if (lamp.phase === 'parking') {
      lamp.lit = true;
      this.#board.enter(lamp, 'awake');
    }
    if (lamp.phase === 'awake') return this.#has('starts anew') ? this.#start(lamp, signal) : undefined;
    if (lamp.wakers > 0 && this.#has('second wake fails'))
      throw new ScalerError('wake-failed', 'another process wakes it');
    this.#tellProgress(ref, progress);
    lamp.wakers += 1;
    const started = this.#start(lamp, signal).finally(() => (lamp.wakers -= 1));
    if (this.#has('wakes too early')) started.catch(() => undefined);
    else await started;
  }

  #tellProgress(ref: ResourceRef, progress: ScaleOptions['progress']): void {
    const step = this.#has('odd step') ? ('lit' as never) : 'written';
    try {
      progress?.(ref, step);
    } catch (error) {
      if (this.#has('progress throws')) throw error;
    }
  }

  async #start(lamp: Lamp, signal: AbortSignal): Promise<void> {
    lamp.starting ??= (async () => {
      this.#board.enter(lamp, 'waking');
      await this.#clock.sleep(2);
      lamp.lit = true;
      lamp.id = randomUUID();
      this.#board.enter(lamp, 'awake');
    })().finally(() => (lamp.starting = undefined));
    if (!this.#has('deaf wake')) {
      const aborted = new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      return Promise.race([lamp.starting, aborted]);
    }
    await lamp.starting;
    if (signal.aborted) await new Promise(() => undefined);
  }

  watchResources(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void> {
    const send = (lamp: Lamp): void => listener({ type: 'set', resource: this.#resourceOf(lamp) });
    if (this.#has('synced first')) listener({ type: 'synced' });
    this.#board.lamps.forEach(send);
    if (!this.#has('synced first')) listener({ type: 'synced' });
    if (this.#has('synced twice')) listener({ type: 'synced' });
    if (!this.#has('watches once')) this.#board.listeners.add(send);
    const again = (): void => {
      if (signal.aborted || this.#stop.signal.aborted) return;
      this.#board.lamps.forEach(send);
      this.#clock.after(5, again);
    };
    if (this.#has('sent again for ever')) again();
    const until = this.#has('close ends nothing') ? signal : AbortSignal.any([signal, this.#stop.signal]);
    if (this.#has('close ends nothing')) this.#stop.signal.addEventListener('abort', () => resolveEnd());
    let resolveEnd = (): void => undefined;
    return new Promise((resolve) => {
      resolveEnd = resolve;
      const end = (): void => {
        if (!this.#has('watch goes on') || this.#stop.signal.aborted) this.#board.listeners.delete(send);
        if (!this.#has('watch never ends') || this.#stop.signal.aborted) resolve();
      };
      until.addEventListener('abort', end, { once: true });
    });
  }

  isStale(ref: ResourceRef): boolean {
    if (this.#has('isStale throws')) this.#board.find(ref);
    return false;
  }

  watchEndpoints(
    { resource, port }: { resource: ResourceRef; port: number },
    listener: EndpointListener,
    signal: AbortSignal,
  ): void {
    const address = this.#has('host name as address') ? 'localhost' : '127.0.0.1';
    const check = (): Promise<void> =>
      this.#has('failing check') ? Promise.reject(new Error('no')) : Promise.resolve();
    const send = (lamp: Lamp): void => {
      if (lamp.name !== resource.name) return;
      if (lamp.lit) listener([{ address, port, id: lamp.id, check }]);
      else if (!this.#has('silent while asleep')) listener([]);
    };
    send(this.#board.find(resource));
    const once = this.#has('no wake sent') && !this.#board.find(resource).lit;
    if (!once) this.#board.listeners.add(send);
    if (!this.#has('endpoints go on')) signal.addEventListener('abort', () => this.#board.listeners.delete(send));
  }

  reconcile(): Promise<readonly ScaleResult[]> {
    for (const [key, lamp] of this.#board.lamps) {
      const left = lamp.phase === 'parking' && !this.#parks.has(key) && !this.#has('parks are left');
      if (left) this.#board.enter(lamp, 'awake');
      if (this.#has('reconcile wakes') && lamp.phase === 'asleep') lamp.lit = true;
    }
    return Promise.resolve([]);
  }

  explain() {
    const always = { hopeless: false, reason: 'Because', text: 'it is a lamp' };
    return Promise.resolve(this.#has('explains always') ? always : undefined);
  }

  setBusy(ref: ResourceRef, until: string | undefined): Promise<string | undefined> {
    const lamp = this.#find(ref);
    const { busyUntil = '' } = lamp;
    if (until === undefined && this.#has('lease for ever')) return Promise.resolve(busyUntil);
    lamp.busyUntil = until !== undefined && until < busyUntil && !this.#has('lease shortened') ? busyUntil : until;
    this.#board.listeners.forEach((listener) => listener(lamp));
    return Promise.resolve(lamp.busyUntil);
  }

  tell(ref: ResourceRef): void {
    if (this.#has('tell throws')) this.#board.find(ref);
    if (this.#has('tell waits')) return Promise.resolve() as never;
  }

  metrics() {
    const name = this.#has('metric of any name') ? 'Lamps' : 'lamps';
    const samples = Array.from({ length: this.#has('metric per resource') ? 101 : 2 }, (_, index) => ({
      labels: { lamp: String(index) },
      value: 1,
    }));
    return [{ name, help: 'Lamps.', kind: 'gauge' as const, samples }];
  }

  close(): Promise<void> {
    this.#closes += 1;
    if (this.#closes > 1 && this.#has('second close throws')) return Promise.reject(new Error('it is closed already'));
    this.#stop.abort();
    return Promise.resolve();
  }
}
