import {
  type Endpoint,
  type EndpointListener,
  type Explanation,
  type Resource,
  type ResourceChange,
  resourceKey,
  type ResourceRef,
  type ResourceScaler,
  type ScaleOptions,
  type ScaleResult,
  type Target,
} from '@scaler/scaler-types';

/** One call of setScale that waits for the test to say how it ends. */
export interface ScaleCall {
  readonly key: string;
  readonly options: ScaleOptions;
  ok(): void;
  fail(error: Error): void;
}

/** A resource scaler in memory whose every answer is the test's. Namespace `default` unless given. */
export class ScriptedScaler implements ResourceScaler {
  readonly calls: ScaleCall[] = [];
  stale = false;
  explanation: Explanation | undefined;
  /** Services whose endpoints are watched now. */
  readonly watched = new Set<string>();
  /** Absent in a scaler made with `endpoints: false`. */
  readonly watchEndpoints?: (target: Target, listener: EndpointListener, signal: AbortSignal) => void;
  readonly #auto: boolean;
  readonly #known = new Map<string, Resource>();
  readonly #lists = new Map<string, readonly Endpoint[]>();
  readonly #watchers = new Map<string, Set<EndpointListener>>();
  readonly #waiting: (() => void)[] = [];
  #tell: ((change: ResourceChange) => void) | undefined;

  /** `auto`: each setScale resolves at once. */
  constructor({ endpoints = true, auto = false } = {}) {
    this.#auto = auto;
    if (endpoints) this.watchEndpoints = this.#watchEndpoints.bind(this);
  }

  getConfig(): Record<string, never> {
    return {};
  }

  async getResources(): Promise<Resource[]> {
    return [...this.#known.values()];
  }

  setScale([resource]: readonly ResourceRef[], _scale: number, options: ScaleOptions): Promise<ScaleResult[]> {
    return new Promise((resolve) => {
      if (resource === undefined) throw new Error('no resource');
      const call: ScaleCall = {
        key: resourceKey(resource),
        options,
        ok: () => resolve([{ resource, ok: true }]),
        fail: (error) => resolve([{ resource, ok: false, error }]),
      };
      this.calls.push(call);
      if (this.#auto) call.ok();
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  resolveServiceName({ name }: ResourceRef): string {
    const [endpoint] = this.#lists.get(name) ?? [];
    if (endpoint === undefined) throw new Error(`${name} resolves to nothing`);
    return `${endpoint.address}:${endpoint.port}`;
  }

  watchResources(listener: (change: ResourceChange) => void, signal: AbortSignal): Promise<void> {
    this.#tell = listener;
    for (const resource of this.#known.values()) listener({ type: 'set', resource });
    listener({ type: 'synced' });
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  isStale(): boolean {
    return this.stale;
  }

  async explain(): Promise<Explanation | undefined> {
    return this.explanation;
  }

  /** Resolves with the call of that number, counted from 0, once it was made. */
  async call(index: number): Promise<ScaleCall> {
    while (this.calls.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.calls[index] as ScaleCall;
  }

  /** Tells of a resource, or of a change to it. Default: asleep, with port 80 of a Service of its name. */
  set(partial: Partial<Resource> & { name: string }): void {
    const resource: Resource = {
      namespace: 'default',
      scaleResources: [],
      targets: [{ service: partial.name, port: 80 }],
      phase: 'asleep',
      ...partial,
    };
    this.#known.set(resourceKey(resource), resource);
    this.#tell?.({ type: 'set', resource });
  }

  remove(name: string): void {
    const resource = { namespace: 'default', name };
    this.#known.delete(resourceKey(resource));
    this.#tell?.({ type: 'removed', resource });
  }

  /** Sets the endpoints of all ports of a Service. */
  endpoints(service: string, list: readonly Endpoint[]): void {
    this.#lists.set(service, list);
    for (const listener of this.#watchers.get(service) ?? []) listener(list);
  }

  #watchEndpoints({ service }: Target, listener: EndpointListener, signal: AbortSignal): void {
    const listeners = this.#watchers.get(service) ?? new Set();
    this.#watchers.set(service, listeners.add(listener));
    this.watched.add(service);
    signal.addEventListener('abort', () => {
      listeners.delete(listener);
      this.watched.delete(service);
    });
    listener(this.#lists.get(service) ?? []);
  }
}
