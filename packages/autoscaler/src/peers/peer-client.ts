import { startDeadline } from '@scaler/async';
import { Agent, type ClientRequest, request } from 'node:http';
import type { TokenFile } from '@scaler/runtime';
import type { Clock } from '@scaler/scaler-types';
import { AutoscalerError } from '../errors.ts';
import { exchange } from './exchange.ts';
import { type Peer, peerText } from './peer.ts';

/** One question to a DLX replica. */
export interface Question {
  method: 'GET' | 'POST';
  path: string;
  /** JSON; POST only. */
  body?: unknown;
  /** Milliseconds for the whole answer. */
  timeoutMs: number;
  /** Whether the answer grows with the resources there are. Default false: a few fields. */
  isLong?: boolean;
}

export interface PeerClientOptions {
  clock: Clock;
  /** The token for a control port. Undefined: questions go to the infrastructure port. */
  token?: Pick<TokenFile, 'first'> | undefined;
}

/** The activity of 10,000 resources takes about 2 MB. */
const longAnswerBytes = 8 * 1024 * 1024;
/** Bytes of any other answer. */
const shortAnswerBytes = 64 * 1024;

export type PeerClient = ReturnType<typeof createPeerClient>;

/** A client that keeps its connections, with one HTTP request per question. */
export function createPeerClient({ clock, token }: PeerClientOptions) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 2 });

  /**
   * The parsed JSON of a 200.
   *
   * @throws AutoscalerError `peer-unreachable` (no whole answer in time) or `peer-answer` (another status, no JSON); both name the replica.
   * @throws the signal's reason.
   */
  const ask = async (peer: Peer, question: Question, signal: AbortSignal): Promise<unknown> => {
    signal.throwIfAborted();
    const deadline = startDeadline(clock, question.timeoutMs, signal);
    try {
      return await askPorts(agent, peer, token, question, deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      if ((error as { code?: unknown }).code === 'peer-answer') throw error;
      const what = deadline.signal.aborted ? ` within ${question.timeoutMs} ms` : `: ${(error as Error).message}`;
      const message = `DLX ${peerText(peer)} did not answer${what}`;
      throw new AutoscalerError('peer-unreachable', message, { cause: error });
    } finally {
      deadline.dispose();
    }
  };
  return { ask, close: () => agent.destroy() };
}

/**
 * Asks on the control port, with a token. A DLX of a version without control port refuses the connection: it is asked on its
 * infrastructure port, without the token.
 */
async function askPorts(
  agent: Agent,
  peer: Peer,
  token: PeerClientOptions['token'],
  question: Question,
  signal: AbortSignal,
): Promise<unknown> {
  if (token === undefined || peer.stranger === true) return askPort(agent, peer, question, signal);
  const { host, port, control } = peer;
  try {
    const sent = { ...question, token: await token.first() };
    return await askPort(agent, { host, port: control ?? port }, sent, signal);
  } catch (error) {
    if (control === undefined || (error as { code?: unknown }).code !== 'ECONNREFUSED') throw error;
    return askPort(agent, peer, question, signal);
  }
}

interface Sent extends Question {
  token?: string;
}

async function askPort(
  agent: Agent,
  peer: Peer,
  { method, path, body, token, isLong }: Sent,
  signal: AbortSignal,
): Promise<unknown> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
  };
  const send = (): ClientRequest => request({ agent, host: peer.host, port: peer.port, method, path, headers, signal });
  const longest = isLong ? longAnswerBytes : shortAnswerBytes;
  const { status, text } = await exchange(send, sent, longest);
  if (text === undefined) throw badAnswer(peer, path, `more than ${longest} bytes`);
  if (status === 401) throw badAnswer(peer, path, `status 401: give both apps the same --control-token-file`);
  if (status !== 200) throw badAnswer(peer, path, `status ${status}`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badAnswer(peer, path, 'no JSON', error);
  }
}

function badAnswer(peer: Peer, path: string, what: string, cause?: unknown): AutoscalerError {
  const message = `DLX ${peerText(peer)} answered ${path} with ${what}`;
  return new AutoscalerError('peer-answer', message, cause === undefined ? undefined : { cause });
}
