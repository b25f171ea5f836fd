import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import { kinds } from '../client/kinds.ts';
import { connectOnce } from '../endpoints/connect.ts';
import { watchStore } from '../watch/watch-store.ts';
import { createListenChecks, type IsListening, type ListenChecks } from './listen-checks.ts';
import { readServiceAddresses, type ServiceAddress, serviceAddresses, slicesOfService } from './service-addresses.ts';
import { trimSlice } from './slice-info.ts';

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
  /**
   * The ready addresses that are known to listen on each of `ports`. What is not known yet is found out in the
   * background, and the subscribers are told.
   */
  listed(ports: readonly number[]): readonly string[];
  /** Read from the API now. @throws KubeError */
  live(signal: AbortSignal): Promise<readonly ServiceAddress[]>;
  /** Tells whenever something above may have changed. Returns the end. */
  subscribe(listener: () => void): () => void;
}

export function createDlxAddresses(options: DlxAddressesOptions): DlxAddresses {
  const { client, service, clock, logger } = options;
  const { namespace, name } = service;
  const store = watchStore({
    client,
    clock,
    logger,
    kind: kinds.endpointSlice,
    namespaces: [namespace],
    labelSelector: slicesOfService(name),
    trim: trimSlice,
  });
  const listeners = new Set<() => void>();
  let known: readonly ServiceAddress[] = [];
  let checks: ListenChecks | undefined;

  function changed(): void {
    for (const listener of [...listeners]) listener();
  }

  function reread(): void {
    known = serviceAddresses(store.list());
    checks?.keep(new Set(known.map(({ id }) => id)));
    changed();
  }

  return {
    run: async (signal) => {
      checks = createListenChecks(clock, options.isListening ?? connects(clock), changed);
      const unsubscribe = store.subscribe(reread);
      void store.whenSynced(signal).then(changed, () => undefined);
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
    listed: (ports) =>
      known
        // No short cut: each port that is not known has to be asked for.
        .filter(
          ({ ready, id, address }) => ready && ports.filter((port) => !checks?.has({ id, address, port })).length === 0,
        )
        .map(({ address }) => address),
    live: (signal) => readServiceAddresses(client, service, { signal, lane: 'normal' }),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function connects(clock: Clock): IsListening {
  return (address, port, signal) =>
    connectOnce(address, port, clock, signal).then(
      () => true,
      () => false,
    );
}
