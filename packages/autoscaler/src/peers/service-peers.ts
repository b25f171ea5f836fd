import { type KubeClient, readServiceAddresses } from '@scaler/kube';
import { dlxPorts } from '@scaler/scaler-types/dlx-api';
import type { PeerDirectory } from './peer.ts';

export interface ServicePeersOptions {
  client: KubeClient;
  /** The DLX's Service. */
  service: { namespace: string; name: string };
  /** Used when the Service has no port named `infra`. */
  infraPort: number;
  /** Used when the Service has no port named `control`. */
  controlPort: number;
  /** Milliseconds for one read. */
  timeoutMs: number;
}

/** The DLX replicas of a Service, read from the API at each call: ready ones, and draining ones that still serve. */
export function servicePeers({
  client,
  service,
  infraPort,
  controlPort,
  timeoutMs,
}: ServicePeersOptions): PeerDirectory {
  return {
    async live(signal, also = []) {
      const addresses = await readServiceAddresses(client, service, { signal, timeoutMs, lane: 'normal', also });
      return addresses.map(({ address, ports }) => {
        return {
          host: address,
          port: ports[dlxPorts.infra.name] ?? infraPort,
          control: ports[dlxPorts.control.name] ?? controlPort,
        };
      });
    },
  };
}
