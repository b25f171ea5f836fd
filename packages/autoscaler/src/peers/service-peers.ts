import { type KubeClient, readServiceAddresses } from '@scaler/kube';
import type { PeerDirectory } from './peer.ts';

export interface ServicePeersOptions {
  client: KubeClient;
  /** The DLX's Service. */
  service: { namespace: string; name: string };
  /** Where the Service's port named `infra` is missing. */
  infraPort: number;
  /** Milliseconds for one read. */
  timeoutMs: number;
}

/** The DLX replicas behind its Service, read from the API at each call: ready ones, and draining ones that still serve. */
export function servicePeers({ client, service, infraPort, timeoutMs }: ServicePeersOptions): PeerDirectory {
  return {
    async live(signal) {
      const addresses = await readServiceAddresses(client, service, { signal, timeoutMs, lane: 'normal' });
      return addresses.map(({ address, ports }) => ({ host: address, port: ports['infra'] ?? infraPort }));
    },
  };
}
