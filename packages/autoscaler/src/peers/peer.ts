/** One DLX replica's infrastructure port. */
export interface Peer {
  /** IP address or host name, without brackets. */
  host: string;
  port: number;
}

/** `host:port`, as people write it. */
export function peerText({ host, port }: Peer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Every DLX replica there is now. */
export interface PeerDirectory {
  /**
   * Read anew, not from a cache; draining ones included.
   *
   * @throws when they cannot be listed.
   */
  live(signal: AbortSignal): Promise<readonly Peer[]>;
}

/** A directory that always names the same replicas. */
export function staticPeers(peers: readonly Peer[]): PeerDirectory {
  return { live: () => Promise.resolve(peers) };
}

/** Several directories as one, each replica once. */
export function joinPeers(directories: readonly PeerDirectory[]): PeerDirectory {
  return {
    async live(signal) {
      const lists = await Promise.all(directories.map((directory) => directory.live(signal)));
      return distinct(lists.flat());
    },
  };
}

/** The peers, and one on `infraPort` for each address that none of them has. */
export function withAddresses(
  peers: readonly Peer[],
  addresses: readonly string[],
  infraPort: number,
): readonly Peer[] {
  const hosts = new Set(peers.map((peer) => peer.host));
  const added = addresses.filter((address) => !hosts.has(address)).map((host) => ({ host, port: infraPort }));
  return distinct([...peers, ...added]);
}

function distinct(peers: readonly Peer[]): readonly Peer[] {
  return [...new Map(peers.map((peer) => [peerText(peer), peer])).values()];
}
