// The resource scaler of the bench: the DLX under test loads it, and the process that started the DLX controls it.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Endpoint,
  type EndpointListener,
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScalerContext,
  type ScaleResult,
  type Target,
} from '@scaler/scaler-types';
import { serveCalls } from '../processes/calls.ts';
import { sharedMs } from '../processes/usage.ts';

export { contractVersion } from '@scaler/scaler-types';

/** One call of setScale. */
export interface ScaleCall {
  /** `namespace/name`. */
  readonly key: string;
  readonly scale: number;
  /** On the clock that all processes share. */
  readonly atMs: number;
}

/** The calls with which the bench controls it. */
export type ScalerCalls = ReturnType<BenchScaler['calls']>;

/**
 * Resources of namespace `default`, in memory. A wake of one resolves `tookMs` after it was called, if `plan` has that,
 * and otherwise at the call of `ready`; then its endpoints are those of `plan`.
 */
class BenchScaler implements ResourceScaler {
  readonly #known = new Map<string, Resource>();
  readonly #plans = new Map<string, { tookMs?: number; endpoints: readonly Endpoint[] }>();
  readonly #ready = new Map<string, PromiseWithResolvers<void>>();
  readonly #endpoints = new Map<string, readonly Endpoint[]>();
  readonly #listeners = new Map<string, Set<EndpointListener>>();
  readonly #server: { close(): void };
  #scaleCalls: ScaleCall[] = [];
  #tell: ((change: ResourceChange) => void) | undefined;

  constructor(first: readonly Resource[]) {
    for (const resource of first) this.#known.set(resourceKey(resource), resource);
    this.#server = serveCalls(this.calls());
  }

  calls() {
    return {
      /** Reports resources, or changes to them, to the DLX. */
      set: (resources: readonly Resource[]): void => resources.forEach((resource) => this.#set(resource)),
      /** Plans the wakes of a resource. */
      plan: (name: string, plan: { tookMs?: number; endpoints: readonly Endpoint[] }): void => {
        this.#plans.set(name, plan);
      },
      /** The resource is asleep again, without endpoints. */
      park: (name: string): void => {
        this.#ready.delete(name);
        this.#tellEndpoints(name, []);
        this.#setPhase(name, 'asleep');
      },
      /** The resource can serve from now on. Resolves with the moment at which the DLX got the endpoints. */
      ready: (name: string): number => {
        const atMs = sharedMs();
        this.#wakeUp(name);
        return atMs;
      },
      /** The endpoints of a Service, now. */
      endpoints: (service: string, list: readonly Endpoint[]): void => this.#tellEndpoints(service, list),
      /** All calls of setScale since the last time. */
      scaleCalls: (): ScaleCall[] => this.#scaleCalls.splice(0),
      /** Collects garbage, and resolves with the memory that is left. */
      memory: async (): Promise<NodeJS.MemoryUsage> => {
        const { gc: collect } = globalThis;
        if (collect === undefined) throw new Error('the DLX was started without --expose-gc');
        for (let i = 0; i < 3; i++) {
          await collect();
          await sleep(50);
        }
        return process.memoryUsage();
      },
    };
  }

  getConfig(): Record<string, never> {
    return {};
  }

  async getResources(): Promise<Resource[]> {
    return [...this.#known.values()];
  }

  async setScale(
    resources: readonly ResourceRef[],
    scale: number,
    { signal }: ScaleOptions,
  ): Promise<readonly ScaleResult[]> {
    const atMs = sharedMs();
    return Promise.all(
      resources.map(async (resource): Promise<ScaleResult> => {
        this.#scaleCalls.push({ key: resourceKey(resource), scale, atMs });
        const { name } = resource;
        const tookMs = this.#plans.get(name)?.tookMs;
        if (tookMs === undefined) await until(this.#readiness(name).promise, signal);
        else {
          await sleep(tookMs, undefined, { signal });
          this.#wakeUp(name);
        }
        return { resource, ok: true };
      }),
    );
  }

  resolveServiceName({ name }: ResourceRef): string {
    const [endpoint] = this.#plans.get(name)?.endpoints ?? [];
    if (endpoint === undefined) throw new Error(`${name} resolves to nothing`);
    return `${endpoint.address}:${endpoint.port}`;
  }

  async watchResources(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void> {
    this.#tell = listener;
    for (const resource of this.#known.values()) listener({ type: 'set', resource });
    listener({ type: 'synced' });
    await once(signal, 'abort');
  }

  watchEndpoints({ service }: Target, listener: EndpointListener, signal: AbortSignal): void {
    const listeners = this.#listeners.get(service) ?? new Set();
    this.#listeners.set(service, listeners.add(listener));
    signal.addEventListener('abort', () => listeners.delete(listener));
    listener(this.#endpoints.get(service) ?? []);
  }

  async close(): Promise<void> {
    this.#server.close();
  }

  #readiness(name: string): PromiseWithResolvers<void> {
    const known = this.#ready.get(name) ?? Promise.withResolvers<void>();
    this.#ready.set(name, known);
    return known;
  }

  #wakeUp(name: string): void {
    this.#setPhase(name, 'awake');
    this.#tellEndpoints(name, this.#plans.get(name)?.endpoints ?? []);
    this.#readiness(name).resolve();
  }

  #set(resource: Resource): void {
    this.#known.set(resourceKey(resource), resource);
    this.#tell?.({ type: 'set', resource });
  }

  #setPhase(name: string, phase: NonNullable<Resource['phase']>): void {
    const resource = this.#known.get(`default/${name}`);
    if (resource !== undefined) this.#set({ ...resource, phase });
  }

  #tellEndpoints(service: string, list: readonly Endpoint[]): void {
    this.#endpoints.set(service, list);
    for (const listener of this.#listeners.get(service) ?? []) listener(list);
  }
}

function until(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    void done.then(resolve);
  });
}

/** Options: `sleepers`, the number of resources at the start; `ports` of each; the `firstPort` of them all. */
export function createResourceScaler({ options }: ScalerContext): ResourceScaler {
  const { sleepers = 0, ports = 0, firstPort = 0 } = options;
  return new BenchScaler(sleepersOf(Number(sleepers), Number(ports), Number(firstPort)));
}

function sleepersOf(count: number, ports: number, firstPort: number): Resource[] {
  return Array.from({ length: count }, (_, i) => ({
    namespace: 'default',
    name: `app-${i}`,
    scaleResources: [],
    phase: 'asleep' as const,
    targets: Array.from({ length: ports }, (_, j) => ({
      service: `app-${i}`,
      port: 80 + j,
      listenPort: firstPort + i * ports + j,
    })),
  }));
}
