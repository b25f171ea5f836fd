import { errorCode, type Clock, type ScalerContext } from '@scaler/scaler-types';
import { dlxQuestions, type ListeningRequest, mostPortsAsked, parseListening } from '@scaler/scaler-types/dlx-api';
import { connectOnce } from '../endpoints/probe/connect.ts';
import { type Answer, type Asked, askEither, longestText } from './ask-dlx.ts';

/** Resolves whether something listens there; where it rejects, nothing does. */
export type IsListening = (address: string, port: number, signal: AbortSignal) => Promise<boolean>;

const answerLimitMs = 1_000;

/** One question to one DLX, which takes in ports until it is sent. */
interface Batch {
  readonly ports: Set<number>;
  readonly listening: Promise<ReadonlySet<number> | undefined>;
}

/**
 * Asks a DLX whether it listens, on the port where it takes questions: a connection to the port itself would be a client's, where
 * the server speaks first. Questions that come while one is under way go together. A DLX that does not know the question, or
 * takes none, is connected to.
 */
export function asksDlx(
  askedAt: (address: string) => Asked,
  clock: Clock,
  token: ScalerContext['dlxToken'],
): IsListening {
  const waiting = new Map<string, Batch>();
  const asking = new Map<string, Promise<unknown>>();

  function batchFor(address: string, signal: AbortSignal): Batch {
    const known = waiting.get(address);
    if (known !== undefined && known.ports.size < mostPortsAsked) return known;
    const ports = new Set<number>();
    const before = Promise.resolve(asking.get(address));
    const listening = before.then(() => {
      if (waiting.get(address) === batch) waiting.delete(address);
      return listeningOf(askedAt(address), [...ports], token, signal);
    });
    const batch = { ports, listening };
    waiting.set(address, batch);
    const ended = listening.then(noMatter, noMatter).then(() => {
      if (asking.get(address) === ended) asking.delete(address);
    });
    asking.set(address, ended);
    return batch;
  }

  return async (address, port, signal) => {
    const batch = batchFor(address, signal);
    batch.ports.add(port);
    const listening = await batch.listening;
    if (listening !== undefined) return listening.has(port);
    return connectOnce(address, port, clock, signal).then(() => true);
  };
}

function noMatter(): void {}

/** Undefined: it does not know the question. @throws why there is no answer. */
async function listeningOf(
  asked: Asked,
  ports: readonly number[],
  token: ScalerContext['dlxToken'],
  outer: AbortSignal,
): Promise<ReadonlySet<number> | undefined> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(answerLimitMs)]);
  const body: ListeningRequest = { ports };
  let answer: Answer;
  try {
    answer = await askEither(asked, { ...dlxQuestions.listening, body }, token, signal);
  } catch (error) {
    if (errorCode(error) === 'ECONNREFUSED') return undefined;
    throw error;
  }
  if (answer.status === 404) return undefined;
  if (answer.status !== 200 || answer.text.length >= longestText) {
    throw new Error(`The DLX at ${asked.address} answered ${answer.status} when asked where it listens`);
  }
  return new Set(parseListening(JSON.parse(answer.text)).listening);
}
