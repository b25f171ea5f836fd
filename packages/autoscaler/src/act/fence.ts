import { type ConfirmAnswer, type ConfirmRequest, cut, resourceKey } from '@scaler/scaler-types';
import { dlxQuestions, type FenceAnswer, type FenceRequest, parseFence } from '@scaler/scaler-types/dlx-api';
import type { Verdict } from '../decide/judge.ts';
import { askAll, type PeerAnswer } from '../peers/ask-all.ts';
import { type PeerDirectory, peerText, withAddresses } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';

export interface FenceParts {
  peers: PeerDirectory;
  client: PeerClient;
  /** The infrastructure port of a DLX address that the directory does not know. */
  infraPort: number;
  /** Milliseconds that each replica has. */
  timeoutMs: number;
  /** Reads the resource and its samples again, and judges it. */
  judgeAgain: (request: ConfirmRequest, signal: AbortSignal) => Promise<Verdict>;
}

/** The result of {@link createFence}, for `ScaleOptions.confirm`. */
export type Fence = (request: ConfirmRequest, signal: AbortSignal) => Promise<ConfirmAnswer>;

/**
 * The last question before a resource is stopped. Every DLX replica, and every replica that its traffic is diverted to, must
 * answer in time that it holds and forwards no request of the resource, and is fenced from then on. The samples are read
 * again only after that, since a request before the fence shows in them, and must still be idle. One answer missing: no.
 * See docs/decisions/fence.md.
 */
export function createFence({ peers, client, infraPort, timeoutMs, judgeAgain }: FenceParts): Fence {
  return async (request, signal) => {
    const { addresses, epoch } = request;
    const { namespace, name } = request.resource;
    const list = async () => withAddresses(await peers.live(signal, addresses), addresses, infraPort);
    const body: FenceRequest = { resource: { namespace, name }, epoch };
    const answers = await askAll(client, list, { ...dlxQuestions.fence, body, timeoutMs }, parseFence, signal);
    if (typeof answers === 'string') return { ok: false, reason: answers };
    for (const answer of answers) {
      const reason = whyNotClear(answer, request);
      if (reason !== undefined) return { ok: false, reason };
    }
    const { verdict, reasons } = await judgeAgain(request, signal);
    if (verdict === 'idle') return { ok: true };
    return { ok: false, reason: `no longer idle when asked again: ${reasons.join('; ')}` };
  };
}

function whyNotClear(reply: PeerAnswer<FenceAnswer>, request: ConfirmRequest): string | undefined {
  if ('error' in reply) return reply.error.message;
  const { replica, clear, held, inFlight, epoch, reason } = reply.answer;
  const who = `DLX ${replica} (${peerText(reply.peer)})`;
  const what = `${held} held and ${inFlight} in flight for ${resourceKey(request.resource)}`;
  if (!clear) return `${who} has ${what}${reason === undefined ? '' : `: ${reason}`}`;
  if (held > 0 || inFlight > 0) return `${who} contradicts itself: clear, with ${what}`;
  if (epoch !== request.epoch) return `${who} answered for epoch ${cut(epoch)}, not ${request.epoch}`;
  return undefined;
}
