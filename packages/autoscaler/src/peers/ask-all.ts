import { mapBounded } from '@scaler/async';
import { AutoscalerError } from '../errors.ts';
import { type Peer, peerText } from './peer.ts';
import type { PeerClient, Question } from './peer-client.ts';

/** The answer of one replica, or the reason why there is none that can be used. */
export type PeerAnswer<T> = { peer: Peer; answer: T } | { peer: Peer; error: Error };

/** So many long answers are read at once, so that their sum is bounded too. */
const longAtOnce = 8;

/**
 * Sends one question to every replica, to all at once where answers are short. A replica that fails does not affect others.
 *
 * @throws only the signal's reason.
 */
export async function askAll<T>(
  client: PeerClient,
  peers: readonly Peer[],
  question: Question,
  parse: (json: unknown) => T,
  signal: AbortSignal,
): Promise<readonly PeerAnswer<T>[]> {
  const answers: PeerAnswer<T>[] = [];
  const ask = async (peer: Peer): Promise<PeerAnswer<T>> => {
    try {
      return { peer, answer: read(peer, await client.ask(peer, question, signal), parse) };
    } catch (error) {
      signal.throwIfAborted();
      return { peer, error: error as Error };
    }
  };
  await mapBounded([...peers.entries()], question.isLong === true ? longAtOnce : peers.length, async ([i, peer]) => {
    answers[i] = await ask(peer);
  });
  return answers;
}

/** @throws AutoscalerError `peer-answer` that names the replica and the field. */
function read<T>(peer: Peer, json: unknown, parse: (json: unknown) => T): T {
  try {
    return parse(json);
  } catch (cause) {
    const message = `DLX ${peerText(peer)} answered with ${(cause as Error).message}`;
    throw new AutoscalerError('peer-answer', message, { cause });
  }
}
