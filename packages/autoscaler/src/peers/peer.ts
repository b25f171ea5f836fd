import { type KubeClient, readServiceAddresses } from '@scaler/kube';
import { dlxPorts } from '@scaler/scaler-types/dlx-api';

/** The address of one DLX replica. */
export interface Peer {
  /** IP address or host name, without brackets. */
  host: string;
  /** The infrastructure port; without `control` the only port, which gets the token too where there is one. */
  port: number;
  /** The control port, asked first where there is a token; a DLX of an older version has none, and is asked on `port`. */
  control?: number;
  /** Only slices that any tenant may write name it as a DLX, so it gets no token. */
  stranger?: boolean;
}

/** `host:port`, as people write it. */
export function peerText({ host, port }: Peer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Lists the DLX replicas that there are now. */
export interface PeerDirectory {
  /**
   * Reads them anew, not from a cache: draining replicas too, and those of `also` that are known in any state.
   *
   * @throws when they cannot be listed.
   */
  live(signal: AbortSignal, also?: readonly string[]): Promise<readonly Peer[]>;
}

/** The DLX's Service. */
export interface InService {
  client: KubeClient;
  service: { namespace: string; name: string };
  /** Used when the Service has no port named `infra`. */
  infraPort: number;
  /** Used when the Service has no port named `control`. */
  controlPort: number;
}

/** Milliseconds for one read of the Service's addresses. */
const timeoutMs = 5_000;

/** Names replicas that are always there, and those of the DLX's Service, if any, as the API has them at each call; each once. */
export function peerDirectory(fixed: readonly Peer[], inService?: InService): PeerDirectory {
  return {
    async live(signal, also = []) {
      if (inService === undefined) return fixed;
      const { client, service, infraPort, controlPort } = inService;
      const addresses = await readServiceAddresses(client, service, { signal, timeoutMs, lane: 'normal', also });
      const found = addresses.map(({ address, ports }) => ({
        host: address,
        port: ports[dlxPorts.infra.name] ?? infraPort,
        control: ports[dlxPorts.control.name] ?? controlPort,
      }));
      return distinct([...fixed, ...found]);
    },
  };
}

/**
 * The peers, and a peer on `infraPort` for each address that none of them has. Such a peer gets no token, since only slices
 * in a workload's own namespace name it as a DLX.
 */
export function withAddresses(
  peers: readonly Peer[],
  addresses: readonly string[],
  infraPort: number,
): readonly Peer[] {
  const hosts = new Set(peers.map((peer) => peer.host));
  const added = addresses
    .filter((address) => !hosts.has(address))
    .map((host) => ({ host, port: infraPort, stranger: true }));
  return distinct([...peers, ...added]);
}

function distinct(peers: readonly Peer[]): readonly Peer[] {
  return [...new Map(peers.map((peer) => [peerText(peer), peer])).values()];
}
