import type { Clock, Logger } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import type { ServiceAddress } from './service-addresses.ts';

export interface DlxAddressesOptions {
  readonly client: KubeClient;
  /** The DLX's Service. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves whether something listens there. Default: a TCP connect, within 1 s. */
  readonly isListening?: ((address: string, port: number, signal: AbortSignal) => Promise<boolean>) | undefined;
}

/** The addresses of the DLX: which may be listed in slices, for which ports. */
export interface DlxAddresses {
  /** Watches the DLX Service until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Known at all. */
  readonly synced: boolean;
  /** The watch has been silent for too long: what is said here may be old. */
  readonly silent: boolean;
  /** Ready addresses, checked or not. */
  readonly ready: readonly string[];
  /** Terminating, still serving. */
  readonly draining: readonly string[];
  /**
   * The ready addresses on which each of `ports` is known to be listened on. Checks what it does not know, in the
   * background, and tells the subscribers when it knows.
   */
  listed(ports: readonly number[]): readonly string[];
  /** Read from the API now. @throws KubeError */
  live(signal: AbortSignal): Promise<readonly ServiceAddress[]>;
  /** Tells of each change of anything above. */
  subscribe(listener: () => void): () => void;
}

export function createDlxAddresses(_options: DlxAddressesOptions): DlxAddresses {
  throw new Error('Not built yet');
}
