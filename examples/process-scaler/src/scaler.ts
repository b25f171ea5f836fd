import {
  type CreateResourceScaler,
  type Endpoint,
  type EndpointListener,
  pauseInEffect,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  ScalerError,
  type ScaleOptions,
  type ScaleResult,
  type ScalerContext,
  type Target,
} from '@scaler/scaler-types';
import { type Declaration, readDeclaration } from './declaration.ts';
import { OwnerClient, type OwnerLine } from './owner-client.ts';

const retryMs = 200;

/** A scaler of local processes, declared in the file that the option `file` names. */
export const createResourceScaler: CreateResourceScaler = (context) => {
  const { file, ...unknown } = context.options;
  const [other] = Object.keys(unknown);
  if (other !== undefined) throw new ScalerError('invalid-resource', `there is no option ${other}, only file`);
  if (file === undefined) throw new ScalerError('invalid-resource', 'the option file is missing');
  return new ProcessScaler(readDeclaration(file), context);
};

class ProcessScaler implements ResourceScaler {
  readonly #declaration: Declaration;
  readonly #context: ScalerContext;
  readonly #owner: OwnerClient;
  readonly #lines = new Map<string, OwnerLine>();
  readonly #listeners = new Set<() => void>();
  readonly #parks = new Set<string>();
  #connected = false;

  constructor(declaration: Declaration, context: ScalerContext) {
    this.#declaration = declaration;
    this.#context = context;
    this.#owner = new OwnerClient(declaration, context.clock);
  }

  getConfig() {
    return { autoscaler: { lease: false, metricsSource: 'none' } };
  }

  getResources(namespace?: string) {
    const all = this.#declaration.processes.map(({ resource }) => resource);
    const asked = all.filter((one) => namespace === undefined || one.namespace === namespace);
    return Promise.resolve(asked.map((one) => this.#lines.get(resourceKey(one))?.resource ?? one));
  }

  resolveServiceName(ref: ResourceRef): string {
    const found = this.#declaration.processes.find(({ resource }) => resourceKey(resource) === resourceKey(ref));
    if (!found) throw new ScalerError('unknown-resource', `there is no ${resourceKey(ref)}`);
    return `127.0.0.1:${found.port}`;
  }

  setScale(refs: readonly ResourceRef[], scale: number, options: ScaleOptions): Promise<readonly ScaleResult[]> {
    return Promise.all(
      refs.map((resource) => {
        const key = resourceKey(resource);
        const done = scale > 0 ? this.#owner.ask('wake', key, options.signal) : this.#park(resource, options);
        return resultOf(resource, done);
      }),
    );
  }

  /** Parks: preflight, swap, fence, stop. There is nothing to divert, since traffic always goes through the DLX. */
  async #park(resource: ResourceRef, { preflight, confirm, signal }: ScaleOptions): Promise<void> {
    const key = resourceKey(resource);
    const refusals = (await preflight?.(resource, signal)) ?? [];
    if (refusals.length > 0) throw new ScalerError('park-refused', refusals.join('; '));
    this.#parks.add(key);
    try {
      const { epoch } = await this.#owner.ask('begin', key, signal);
      if (epoch === undefined) return;
      const answer = await confirm?.({ resource, epoch, addresses: [] }, signal);
      await this.#owner.ask(answer?.ok === false ? 'cancel' : 'stop', key, signal, { epoch });
      if (answer?.ok === false) throw new ScalerError('park-cancelled', answer.reason);
    } finally {
      this.#parks.delete(key);
    }
  }

  async watchResources(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context;
    while (!signal.aborted) {
      try {
        await this.#owner.watch((line) => this.#heard(line, listener), signal);
      } catch (error) {
        if (!signal.aborted) logger.warn('the owner of the processes cannot be watched', { err: error });
      }
      this.#connected = false;
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  #heard(line: OwnerLine | undefined, listener: (change: ResourceChange) => void): void {
    this.#connected = true;
    if (!line) return listener({ type: 'synced' });
    this.#lines.set(resourceKey(line.resource), line);
    listener({ type: 'set', resource: line.resource });
    this.#listeners.forEach((send) => send());
  }

  isStale(): boolean {
    return !this.#connected;
  }

  watchEndpoints({ resource, port }: Target, listener: EndpointListener, signal: AbortSignal): void {
    const send = (): void => listener(endpointsOf(this.#lines.get(resourceKey(resource)), port));
    this.#listeners.add(send);
    signal.addEventListener('abort', () => this.#listeners.delete(send), { once: true });
    send();
  }

  /** Undoes a park that this process does not run, since its process has died. Wakes processes that are paused awake. */
  reconcile(refs: readonly ResourceRef[], { signal }: { signal: AbortSignal }): Promise<readonly ScaleResult[]> {
    const asked = [...this.#lines.values()].filter(
      ({ resource }) => refs.length === 0 || refs.some((ref) => resourceKey(ref) === resourceKey(resource)),
    );
    const steps = asked.flatMap(({ resource, epoch }) => {
      const key = resourceKey(resource);
      if (resource.phase === 'parking' && !this.#parks.has(key)) {
        return [resultOf(resource, this.#owner.ask('cancel', key, signal, { epoch }))];
      }
      const kept = pauseInEffect(resource.pause, this.#context.clock.now()) === 'awake';
      return kept && resource.phase === 'asleep' ? [resultOf(resource, this.#owner.ask('wake', key, signal))] : [];
    });
    return Promise.all(steps);
  }

  async setBusy(ref: ResourceRef, until: string | undefined, { signal }: { signal: AbortSignal }) {
    const { busyUntil } = await this.#owner.ask('busy', resourceKey(ref), signal, { until });
    return busyUntil;
  }
}

async function resultOf({ namespace, name }: ResourceRef, done: Promise<unknown>): Promise<ScaleResult> {
  const resource = { namespace, name };
  return done.then(
    () => ({ resource, ok: true }),
    (error: Error) => ({ resource, ok: false, error }),
  );
}

function endpointsOf(line: OwnerLine | undefined, port: number): readonly Endpoint[] {
  const serves = line?.resource.phase === 'awake' || line?.resource.phase === 'parking';
  return serves ? [{ address: '127.0.0.1', port, id: '127.0.0.1' }] : [];
}
