import type { Clock, Logger } from '@scaler/scaler-types';
import {
  type KubeClient,
  kinds,
  watchStore,
  readServiceAddresses,
  type ServiceAddress,
  serviceAddresses,
  slicesOfService,
} from '@scaler/kube';

import { connectOnce } from '../endpoints/probe/connect.ts';

import { createListenChecks, type IsListening, type ListenChecks, type ListenPlace } from './listen-checks.ts';
import { keys } from '../workload/keys.ts';
import { isOurs } from '../routing/routing.ts';
import { trimSlice } from '../routing/slice-info.ts';

export interface DlxAddressesOptions {
  readonly client: KubeClient;
  /** The DLX's Service. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: whether a TCP connect succeeds. */
  readonly isListening?: IsListening | undefined;
}

/** The addresses of the DLX: which there are, and which may be listed in slices for which ports. */
export interface DlxAddresses {
  /** Watches the DLX's Service until `signal` aborts. Once only. */
  run(signal: AbortSignal): Promise<void>;
  /** Known at all. While it is not, the lists are empty and say nothing. */
  readonly synced: boolean;
  /** The watch has said nothing for too long: the lists may be old. */
  readonly silent: boolean;
  /** Takes new connections, as its own readiness says. */
  readonly ready: readonly string[];
  /** On their way out, still serving. */
  readonly draining: readonly string[];
  /** The ready addresses that are known to listen on each of `ports`. */
  listed(ports: readonly number[]): readonly string[];
  /** Finds out in the background which of the ready addresses listen on each of `ports`; the subscribers are told. */
  findListening(ports: readonly number[]): void;
  /** Finds out anew which of the ready addresses listen on each of `ports`: what was known of them may be over. */
  check(ports: readonly number[]): Promise<void>;
  /** Read from the API now. @throws KubeError */
  live(signal: AbortSignal): Promise<readonly ServiceAddress[]>;
  /** At least one is there that is neither ready nor on its way out: more is about to change. */
  readonly starting: boolean;
  /** Of its addresses, drained or not: those that its Service has. Empty while there is no such Service. */
  readonly families: ReadonlySet<string>;
  /**
   * Tells whenever something above may have changed; `port`: no more than who is listed for it. Returns the end.
   * A replica that comes up is reported once for each of its ports.
   */
  subscribe(listener: (port?: number) => void): () => void;
}

export function createDlxAddresses(options: DlxAddressesOptions): DlxAddresses {
  const { client, service, clock, logger } = options;
  const { namespace, name } = service;
  const store = watchStore({
    ...{ client, clock, logger, kind: kinds.endpointSlice, trim: trimSlice },
    ...{ namespaces: [namespace], labelSelector: slicesOfService(name) },
  });
  const listeners = new Set<(port?: number) => void>();
  let known: readonly ServiceAddress[] = [];
  let families: ReadonlySet<string> = new Set();
  let starting = false;
  let checks: ListenChecks | undefined;

  function changed(port?: number): void {
    for (const listener of [...listeners]) listener(port);
  }

  function reread(): void {
    const slices = store.list();
    known = serviceAddresses(slices, { exceptManagedBy: keys.manager });
    starting = slices.some((slice) => !isOurs(slice) && slice.endpoints.some((one) => !one.ready && !one.terminating));
    // There is one for each family of the Service, however empty.
    families = new Set(slices.filter((slice) => !isOurs(slice)).map(({ addressType }) => addressType));
    checks?.keep(new Set(known.map(({ id }) => id)));
    changed();
  }

  return {
    run: async (signal) => {
      checks = createListenChecks(clock, options.isListening ?? connects(clock), changed);
      const unsubscribe = store.subscribe(reread);
      void store.whenSynced(signal).then(() => changed(), noMatter);
      await store.run(signal);
      unsubscribe();
      checks.stop();
    },
    get synced() {
      return store.synced;
    },
    get silent() {
      return store.silent;
    },
    get ready() {
      return known.filter(({ ready }) => ready).map(({ address }) => address);
    },
    get draining() {
      return known.filter(({ draining }) => draining).map(({ address }) => address);
    },
    get starting() {
      return starting;
    },
    get families() {
      return families;
    },
    listed: (ports) => known.filter((one) => one.ready && listensOn(checks, one, ports)).map(({ address }) => address),
    findListening: (ports) => readyPlaces(known, ports).forEach((place) => checks?.want(place)),
    check: async (ports) => void (await Promise.all(readyPlaces(known, ports).map((place) => checks?.check(place)))),
    live: (signal) => readServiceAddresses(client, service, { signal, lane: 'normal' }),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function noMatter(): void {}

function listensOn(checks: ListenChecks | undefined, one: ServiceAddress, ports: readonly number[]): boolean {
  return placesOf(one, ports).every((place) => checks?.has(place) === true);
}

function readyPlaces(known: readonly ServiceAddress[], ports: readonly number[]): readonly ListenPlace[] {
  return known.filter(({ ready }) => ready).flatMap((one) => placesOf(one, ports));
}

function placesOf({ id, address }: ServiceAddress, ports: readonly number[]): readonly ListenPlace[] {
  return ports.map((port) => ({ id, address, port }));
}

function connects(clock: Clock): IsListening {
  return (address, port, signal) =>
    connectOnce(address, port, clock, signal).then(
      () => true,
      () => false,
    );
}
