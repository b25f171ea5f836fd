import type { ResourceRef } from '@scaler/scaler-types';
import { dlxQuestions, parsePreflight, type PreflightRequest } from '@scaler/scaler-types/dlx-api';
import { askAll } from '../peers/ask-all.ts';
import { type PeerDirectory, peerText } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';

export interface PreflightParts {
  peers: PeerDirectory;
  client: PeerClient;
  /** Milliseconds that each replica has; it needs up to a second to ask an endpoint itself. */
  timeoutMs: number;
}

/**
 * Asks whether every DLX replica could serve the resource in its stead: listens on its ports, and reaches it. Empty when so,
 * else the reasons why not, each with the name of its replica.
 */
export async function preflight(
  { peers, client, timeoutMs }: PreflightParts,
  { namespace, name }: ResourceRef,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const body: PreflightRequest = { resource: { namespace, name } };
  const question = { ...dlxQuestions.preflight, body, timeoutMs };
  const replies = await askAll(client, () => peers.live(signal), question, parsePreflight, signal);
  if (typeof replies === 'string') return [replies];
  return replies.flatMap((reply) => {
    if ('error' in reply) return [reply.error.message];
    const { ok, replica, reasons } = reply.answer;
    return ok ? [] : [`DLX ${replica} (${peerText(reply.peer)}): ${reasons.join('; ') || 'not ready for it'}`];
  });
}
