import type { Peer } from './peer.ts';
import type { PeerClient, Question } from './peer-client.ts';

/** What one replica said, or why it said nothing that can be used. */
export type PeerAnswer<T> = { peer: Peer; answer: T } | { peer: Peer; error: Error };

/**
 * One question to every replica at once. Each answers, or not, on its own.
 *
 * @throws only the signal's reason.
 */
export function askAll<T>(
  client: PeerClient,
  peers: readonly Peer[],
  question: Question,
  parse: (json: unknown, peer: Peer) => T,
  signal: AbortSignal,
): Promise<readonly PeerAnswer<T>[]> {
  return Promise.all(
    peers.map(async (peer): Promise<PeerAnswer<T>> => {
      try {
        return { peer, answer: parse(await client.ask(peer, question, signal), peer) };
      } catch (error) {
        signal.throwIfAborted();
        return { peer, error: error as Error };
      }
    }),
  );
}
