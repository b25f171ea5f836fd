import type {
  Endpoint,
  EndpointListener,
  Explanation,
  Resource,
  ResourceChange,
  ResourceRef,
  ResourceScaler,
  ScaleOptions,
  ScaleResult,
} from '@scaler/scaler-types';

/** One call of setScale that waits for the test to say how it ends. */
export interface ScaleCall {
  readonly key: string;
  readonly options: ScaleOptions;
  ok(): void;
  fail(error: Error): void;
}

export interface ScriptedScaler extends ResourceScaler {
  readonly calls: ScaleCall[];
  /** Resolves with the call of that number, counted from 0, once it was made. */
  call(index: number): Promise<ScaleCall>;
  /** Tells of a resource, or of a change to it. */
  set(resource: Partial<Resource> & { name: string }): void;
  remove(ref: ResourceRef): void;
  /** Sets the endpoints of all ports of a resource's Service. */
  endpoints(service: string, list: readonly Endpoint[]): void;
  stale: boolean;
  explanation: Explanation | undefined;
  /** Services whose endpoints are watched now. */
  readonly watched: Set<string>;
}

/** A resource scaler in memory whose every answer is the test's. Namespace `default` unless given. */
export function createScriptedScaler(abilities: { endpoints?: boolean; auto?: boolean } = {}): ScriptedScaler {
  const known = new Map<string, Resource>();
  const lists = new Map<string, readonly Endpoint[]>();
  const watchers = new Map<string, Set<EndpointListener>>();
  const waiting: (() => void)[] = [];
  let tell: ((change: ResourceChange) => void) | undefined;
  const keyOf = ({ namespace, name }: ResourceRef): string => `${namespace}/${name}`;

  const scaler: ScriptedScaler = {
    calls: [],
    stale: false,
    explanation: undefined,
    watched: new Set(),
    getConfig: () => ({}),
    getResources: async () => [...known.values()],
    setScale: ([resource], _scale, options) =>
      new Promise<readonly ScaleResult[]>((resolve) => {
        if (resource === undefined) throw new Error('no resource');
        const call: ScaleCall = {
          key: keyOf(resource),
          options,
          ok: () => resolve([{ resource, ok: true }]),
          fail: (error) => resolve([{ resource, ok: false, error }]),
        };
        scaler.calls.push(call);
        if (abilities.auto === true) call.ok();
        for (const wake of waiting.splice(0)) wake();
      }),
    resolveServiceName: ({ name }) => {
      const [endpoint] = lists.get(name) ?? [];
      if (endpoint === undefined) throw new Error(`${name} resolves to nothing`);
      return `${endpoint.address}:${endpoint.port}`;
    },
    watchResources: (listener, signal) =>
      new Promise((resolve) => {
        tell = listener;
        for (const resource of known.values()) listener({ type: 'set', resource });
        listener({ type: 'synced' });
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    isStale: () => scaler.stale,
    explain: async () => scaler.explanation,
    async call(index) {
      while (scaler.calls.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      return scaler.calls[index] as ScaleCall;
    },
    set(partial) {
      const resource: Resource = {
        namespace: 'default',
        scaleResources: [],
        targets: [{ service: partial.name, port: 80 }],
        phase: 'asleep',
        ...partial,
      };
      known.set(keyOf(resource), resource);
      tell?.({ type: 'set', resource });
    },
    remove(resource) {
      known.delete(keyOf(resource));
      tell?.({ type: 'removed', resource });
    },
    endpoints(service, list) {
      lists.set(service, list);
      for (const listener of watchers.get(service) ?? []) listener(list);
    },
  };
  if (abilities.endpoints !== false) scaler.watchEndpoints = watchEndpoints(lists, watchers, scaler.watched);
  return scaler;
}

function watchEndpoints(
  lists: ReadonlyMap<string, readonly Endpoint[]>,
  watchers: Map<string, Set<EndpointListener>>,
  watched: Set<string>,
): NonNullable<ResourceScaler['watchEndpoints']> {
  return ({ service }, listener, signal) => {
    const listeners = watchers.get(service) ?? new Set();
    watchers.set(service, listeners.add(listener));
    watched.add(service);
    signal.addEventListener('abort', () => {
      listeners.delete(listener);
      watched.delete(service);
    });
    listener(lists.get(service) ?? []);
  };
}
