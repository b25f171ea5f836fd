import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@scaler/scaler-types';
import { TestingKitError } from '../../../errors.ts';
import { listen } from '../../../listen.ts';
import { keyOf } from '../controllers/controller.ts';
import type { Store } from '../../api/store/store.ts';
import { type Service, type ServicePort, services } from '../objects.ts';
import { createSliceView } from './slice-view.ts';
import { splice } from './splice.ts';

/** The counts of connections to one Service through one proxy. */
export interface ServiceCounters {
  /** Accepted from clients. */
  connections: number;
  /** Of these: open now. */
  active: number;
  /** Of these: reset because the Service had no endpoint. */
  withoutEndpoint: number;
  /** Of these: reset because the endpoint refused. */
  refused: number;
  /** Connections that were established, by `address:port`. */
  readonly backends: Record<string, number>;
}

/** A node's view of the Services: kube-proxy as a real TCP listener for each Service port. */
export interface ServiceProxy {
  /** How much later than it happens this proxy hears of endpoint changes, in milliseconds; may be changed at any time. */
  lagMs: number;
  /** Stops taking endpoint changes. */
  freeze(): void;
  /** Takes them again, those that waited first. */
  thaw(): void;
  /** The address of a Service port on this proxy. @throws TestingKitError `port-unknown`. */
  address(namespace: string, service: string, port: number): { host: string; port: number };
  /** `address:port` of the endpoints that would get a new connection now. */
  backends(namespace: string, service: string, port: number): string[];
  counters(namespace: string, service: string): ServiceCounters;
  /** Resolves when every Service that exists now is listened for. */
  listening(): Promise<void>;
  close(): Promise<void>;
}

export interface ServiceProxyOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly lagMs: number;
  /** The address on which this proxy listens for a Service with that cluster IP. */
  readonly addressOf: (clusterIP: string) => string;
  readonly onChange: () => void;
  readonly onError: (error: Error) => void;
}

interface Listener {
  readonly server: Server;
  readonly host: string;
  portName: string;
  /** Not the Service's where this process may not listen below 1024. */
  readonly ready: Promise<number | undefined>;
  port: number | undefined;
}

export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { store, clock, addressOf, onError } = options;
  /** By port, of each Service: one alone may have thousands. */
  const listeners = new Map<string, Map<number, Listener>>();
  const counters = new Map<string, ServiceCounters>();
  const sockets = new Set<Socket>();
  const view = createSliceView(store, clock, options.lagMs, options.onChange);

  const countersOf = (key: string): ServiceCounters => {
    const found = counters.get(key) ?? { connections: 0, active: 0, withoutEndpoint: 0, refused: 0, backends: {} };
    counters.set(key, found);
    return found;
  };

  const accept = (client: Socket, serviceKey: string, port: number): void => {
    const count = countersOf(serviceKey);
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => undefined);
    count.connections++;
    const all = view.backends(serviceKey, listeners.get(serviceKey)?.get(port)?.portName ?? '');
    const backend = all[Math.floor(Math.random() * all.length)];
    if (backend === undefined) {
      count.withoutEndpoint++;
      client.resetAndDestroy();
      return;
    }
    splice(client, backend, (event) => {
      if (event === 'connected') count.backends[backend] = (count.backends[backend] ?? 0) + 1;
      if (event === 'failed') count.refused++;
      else count.active += event === 'connected' ? 1 : -1;
      options.onChange();
    });
  };

  const open = (serviceKey: string, host: string, port: ServicePort): Listener => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) =>
      accept(client, serviceKey, port.port),
    );
    // Where that needs a privilege this process lacks, on any port.
    const anyPort = (error: NodeJS.ErrnoException): Promise<number> => {
      if (error.code !== 'EACCES') throw error;
      return listen(server, host, 0);
    };
    const failed = (cause: unknown): undefined => {
      const where = `Service ${serviceKey} on ${host}:${port.port}`;
      onError(new TestingKitError('cluster-broken', `cannot listen for ${where}`, { cause }));
    };
    const ready = listen(server, host, port.port).catch(anyPort).catch(failed);
    const listener: Listener = { server, host, portName: port.name ?? '', ready, port: undefined };
    void ready.then((actual) => {
      listener.port = actual;
      options.onChange();
    });
    return listener;
  };

  const sync = (service: Service): void => {
    const serviceKey = keyOf(service);
    const { clusterIP = '', type, ports = [] } = service.spec;
    const wanted = new Map<number, ServicePort>();
    if (clusterIP !== '' && clusterIP !== 'None' && type !== 'ExternalName') {
      for (const port of ports) if ((port.protocol ?? 'TCP') === 'TCP') wanted.set(port.port, port);
    }
    const host = wanted.size > 0 ? addressOf(clusterIP) : '';
    const own = listeners.get(serviceKey) ?? new Map<number, Listener>();
    listeners.set(serviceKey, own);
    for (const [port, listener] of own) {
      const named = wanted.get(port);
      if (named !== undefined && listener.host === host) listener.portName = named.name ?? '';
      else {
        own.delete(port);
        shut(listener);
      }
    }
    for (const [port, named] of wanted) if (!own.has(port)) own.set(port, open(serviceKey, host, named));
  };

  /** Established connections stay. */
  const shut = ({ server }: Listener): void => void server.close();

  const unwatch = store.watch<Service>(services, ({ type, object }) => {
    if (type !== 'DELETED') return sync(object);
    for (const listener of listeners.get(keyOf(object))?.values() ?? []) shut(listener);
    listeners.delete(keyOf(object));
  });

  const all = (): Listener[] => [...listeners.values()].flatMap((own) => [...own.values()]);

  const find = (namespace: string, service: string, port: number): Listener => {
    const listener = listeners.get(`${namespace}/${service}`)?.get(port);
    if (listener) return listener;
    const known =
      [...listeners].flatMap(([key, own]) => [...own.keys()].map((one) => `${key}:${one}`)).join(', ') || 'none';
    throw new TestingKitError(
      'port-unknown',
      `no Service port ${namespace}/${service}:${port} is listened for; there are: ${known}`,
    );
  };

  return {
    get lagMs() {
      return view.lagMs;
    },
    set lagMs(ms) {
      view.lagMs = ms;
    },
    freeze: () => view.freeze(),
    thaw: () => view.thaw(),
    address(namespace, service, port) {
      const { host, port: actual = port } = find(namespace, service, port);
      return { host, port: actual };
    },
    backends: (namespace, service, port) =>
      view.backends(`${namespace}/${service}`, find(namespace, service, port).portName),
    counters: (namespace, service) => countersOf(`${namespace}/${service}`),
    listening: async () => void (await Promise.all(all().map(({ ready }) => ready))),
    async close() {
      unwatch();
      view.close();
      const open = all();
      listeners.clear();
      await Promise.all(open.map(({ ready }) => ready));
      const closed = open.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}
