/** Where one DLX replica is asked. */
export interface Peer {
  /** IP address or host name, without brackets. */
  host: string;
  /** Its infrastructure port; without `control` the only one, which gets the token too where there is one. */
  port: number;
  /** Its control port, asked first where there is a token: a DLX of before has none, and is asked on `port`. */
  control?: number;
  /** Nothing says that it is a DLX but slices that anybody may have written: it gets no token. */
  stranger?: boolean;
}

/** `host:port`, as people write it. */
export function peerText({ host, port }: Peer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Every DLX replica there is now. */
export interface PeerDirectory {
  /**
   * Read anew, not from a cache; draining ones included, and those of `also` that it knows in whatever state.
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
 * The peers, and one on `infraPort` for each address that none of them has. Such a one gets no token: slices of a workload's
 * own namespace name it, and nothing else says that it is a DLX.
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
