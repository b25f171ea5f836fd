import { mapBounded } from '@scaler/async';
import { AutoscalerError } from '../errors.ts';
import { type Peer, peerText } from './peer.ts';
import type { PeerClient, Question } from './peer-client.ts';

/** The answer of one replica, or the reason why there is none that can be used. */
export type PeerAnswer<T> = { peer: Peer; answer: T } | { peer: Peer; error: Error };

/** So many long answers are read at once, so that their sum is bounded too. */
const longAtOnce = 8;

/**
 * Sends one question to every replica of a list, to all at once where answers are short. A replica that fails does not
 * affect others. A text instead: the reason why there is none to ask.
 *
 * @throws only the signal's reason.
 */
export async function askAll<T>(
  client: PeerClient,
  list: () => Promise<readonly Peer[]>,
  question: Question,
  parse: (json: unknown) => T,
  signal: AbortSignal,
): Promise<readonly PeerAnswer<T>[] | string> {
  let peers: readonly Peer[];
  try {
    peers = await list();
  } catch (error) {
    signal.throwIfAborted();
    return `the DLX replicas cannot be listed: ${(error as Error).message}`;
  }
  if (peers.length === 0) return 'no DLX replica is known';
  const answers: PeerAnswer<T>[] = [];
  await mapBounded([...peers.entries()], question.isLong === true ? longAtOnce : peers.length, async ([i, peer]) => {
    try {
      answers[i] = { peer, answer: read(peer, await client.ask(peer, question, signal), parse) };
    } catch (error) {
      signal.throwIfAborted();
      answers[i] = { peer, error: error as Error };
    }
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
