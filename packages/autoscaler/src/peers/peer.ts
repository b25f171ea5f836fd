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

/** A directory that always names the same replicas. */
export function staticPeers(peers: readonly Peer[]): PeerDirectory {
  return { live: () => Promise.resolve(peers) };
}

/** Several directories as one, each replica once. */
export function joinPeers(directories: readonly PeerDirectory[]): PeerDirectory {
  return {
    async live(signal, also) {
      const lists = await Promise.all(directories.map((directory) => directory.live(signal, also)));
      return distinct(lists.flat());
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
