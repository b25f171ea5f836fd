import type { Clock, Logger, ScalerContext } from '@scaler/scaler-types';
import { createCutOff, type CutOff, type CutOffOptions, linksOf } from './cut-off.ts';
import {
  type KubeClient,
  kinds,
  type Store,
  watchStore,
  readServiceAddresses,
  type ServiceAddress,
  serviceAddresses,
  slicesOfService,
} from '@scaler/kube';
import { askedAt } from './ask-dlx.ts';
import { asksDlx, type IsListening, ListenChecks, type ListenPlace } from './listening.ts';
import { keys } from '../workload/keys.ts';
import { isOurs, type SliceInfo, trimSlice } from '../routing/slices.ts';

export interface DlxAddressesOptions {
  readonly client: KubeClient;
  /** The DLX's Service. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly logger: Logger;
  /** What the DLX wants on its control port; undefined: no DLX is asked whether it comes to another. */
  readonly token?: ScalerContext['dlxToken'];
  /** Default: the DLX is asked. */
  readonly isListening?: IsListening | undefined;
  /** How it is found out which are cut off. */
  readonly links?: Pick<CutOffOptions, 'reach' | 'reaches'> | undefined;
}

/** The addresses of the DLX: which there are, and which may be listed in slices for which ports. */
export function createDlxAddresses(options: DlxAddressesOptions) {
  const store = slicesOf(options);
  const listeners = new Set<(port?: number) => void>();
  const changed = (port?: number): void => [...listeners].forEach((listener) => listener(port));
  let known: readonly ServiceAddress[] = [];
  const all = (): readonly ServiceAddress[] => known;
  const checks = new ListenChecks(options.clock, isListeningOf(options, all), changed);
  let own: readonly SliceInfo[] = [];
  const cutOff = cutOffOf(options, all, changed);

  function reread(): void {
    own = store.list().filter((slice) => !isOurs(slice));
    known = serviceAddresses(own, { exceptManagedBy: keys.manager });
    checks.keep(new Set(known.map(({ id }) => id)));
    changed();
  }

  const addressesOf = (which: (one: ServiceAddress) => boolean): readonly string[] =>
    known.filter(which).map(({ address }) => address);
  const readyPlaces = (ports: readonly number[]): readonly ListenPlace[] =>
    known.filter(({ ready }) => ready).flatMap((one) => placesOf(one, ports));

  return {
    /** Watches the DLX's Service until `signal` aborts. Once only. */
    run: async (signal: AbortSignal): Promise<void> => {
      const unsubscribe = store.subscribe(reread);
      void store.whenSynced(signal).then(() => changed(), noMatter);
      await Promise.all([store.run(signal), cutOff.run(signal)]);
      unsubscribe();
      checks.stop();
    },
    /** Known at all. While it is not, the lists are empty and say nothing. */
    get synced(): boolean {
      return store.synced;
    },
    /** @throws the signal's reason. */
    whenSynced: (signal: AbortSignal): Promise<void> => store.whenSynced(signal),
    /** The watch has said nothing for too long: the lists may be old. */
    get silent(): boolean {
      return store.silent;
    },
    /** Takes new connections, as its own readiness says. */
    get ready(): readonly string[] {
      return addressesOf(({ ready }) => ready);
    },
    /** On their way out, still serving. */
    get draining(): readonly string[] {
      return addressesOf(({ draining }) => draining);
    },
    /** At least one is there that is neither ready nor on its way out: more is about to change. */
    get starting(): boolean {
      return own.some(({ endpoints }) => endpoints.some((one) => !one.ready && !one.terminating));
    },
    /** Of its addresses, drained or not: those that its Service has, each in a slice, however empty. None while there is no such Service. */
    get families(): ReadonlySet<string> {
      return new Set(own.map(({ addressType }) => addressType));
    },
    /** The ready addresses that are known to listen on each of `ports`, but for those that are cut off. */
    listed: (ports: readonly number[]): readonly string[] => {
      const isListed = (one: ServiceAddress) => one.ready && placesOf(one, ports).every((place) => checks.has(place));
      return cutOff.without(known.filter(isListed)).map(({ address }) => address);
    },
    /** Finds out in the background which of the ready addresses listen on each of `ports`; what it finds reaches the subscribers. */
    findListening: (ports: readonly number[]): void => readyPlaces(ports).forEach((place) => checks.want(place)),
    /** Finds out anew which of the ready addresses listen on each of `ports`: what was known of them may be over. */
    check: async (ports: readonly number[]): Promise<void> =>
      void (await Promise.all(readyPlaces(ports).map((place) => checks.check(place)))),
    /** Read from the API now. @throws KubeError */
    live: (signal: AbortSignal): Promise<readonly ServiceAddress[]> => readLive(options, signal),
    /**
     * Calls the listener whenever something above may have changed; `port`: no more than who is listed for it. Returns the end.
     * A replica that comes up is reported once for each of its ports.
     */
    subscribe: (listener: (port?: number) => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type DlxAddresses = ReturnType<typeof createDlxAddresses>;

function slicesOf({ client, service: { namespace, name }, clock, logger }: DlxAddressesOptions): Store<SliceInfo> {
  const selection = { namespaces: [namespace], labelSelector: slicesOfService(name) };
  return watchStore({ client, clock, logger, kind: kinds.endpointSlice, trim: trimSlice, ...selection });
}

function noMatter(): void {}

function placesOf({ id, address }: ServiceAddress, ports: readonly number[]): readonly ListenPlace[] {
  return ports.map((port) => ({ id, address, port }));
}

function isListeningOf(options: DlxAddressesOptions, known: () => readonly ServiceAddress[]): IsListening {
  const { isListening, clock, token } = options;
  const where = (address: string) => askedAt(address, known().find((one) => one.address === address)?.ports);
  return isListening ?? asksDlx(where, clock, token);
}

const apiLimitMs = 1_000;

function cutOffOf(options: DlxAddressesOptions, known: () => readonly ServiceAddress[], onChange: () => void): CutOff {
  const { clock, logger, token, links = linksOf(clock, token) } = options;
  return createCutOff({
    ...{ clock, logger, ...links, onChange },
    ready: () => known().filter(({ ready }) => ready),
    api: (signal) => readLive(options, AbortSignal.any([signal, AbortSignal.timeout(apiLimitMs)])),
  });
}

function readLive(
  { client, service }: Pick<DlxAddressesOptions, 'client' | 'service'>,
  signal: AbortSignal,
): Promise<readonly ServiceAddress[]> {
  return readServiceAddresses(client, service, { signal, lane: 'normal' });
}
