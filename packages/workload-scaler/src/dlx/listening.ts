import { backoffMs } from '@scaler/async';
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

/** One place to be checked; `id` tells apart two instances that have had the same address. */
export interface ListenPlace {
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

interface Check {
  readonly place: ListenPlace;
  listening: boolean;
  failures: number;
  askedAtMs: number;
}

/** Most go together in one question to their DLX. */
const maxConcurrent = 256;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
// What was not asked for during this long is not checked again.
const interestMs = 60_000;

/** Finds out which places are listened on. What once was found to be is asked again only when that is wanted. */
export class ListenChecks {
  readonly #clock: Clock;
  readonly #isListening: IsListening;
  readonly #onListening: (port: number) => void;
  readonly #checks = new Map<string, Check>();
  readonly #queue: Check[] = [];
  readonly #stopping = new AbortController();
  #running = 0;

  /** `onListening`: something was found to listen on that port. */
  constructor(clock: Clock, isListening: IsListening, onListening: (port: number) => void) {
    this.#clock = clock;
    this.#isListening = isListening;
    this.#onListening = onListening;
  }

  /** Whether it is known to be listened on. */
  has(place: ListenPlace): boolean {
    return this.#checks.get(keyOf(place))?.listening === true;
  }

  /** Unless it is known to be listened on, checks it in the background, and again with growing pauses until it is. */
  want(place: ListenPlace): void {
    if (this.#asked(place) !== undefined) return;
    this.#queue.push(this.#begin(place));
    this.#pump();
  }

  /** Checks it now, whatever is known of it. */
  async check(place: ListenPlace): Promise<void> {
    const known = this.#asked(place);
    // What was not found to listen is tried again as it is.
    if (known?.listening !== false) await this.#run(known ?? this.#begin(place));
  }

  /** Forgets the places of all instances but these. */
  keep(ids: ReadonlySet<string>): void {
    for (const [key, { place }] of this.#checks) if (!ids.has(place.id)) this.#checks.delete(key);
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** What is known of it; it is asked for now. */
  #asked(place: ListenPlace): Check | undefined {
    const known = this.#checks.get(keyOf(place));
    if (known !== undefined) known.askedAtMs = this.#clock.monotonic();
    return known;
  }

  #begin(place: ListenPlace): Check {
    const check = { place, listening: false, failures: 0, askedAtMs: this.#clock.monotonic() };
    this.#checks.set(keyOf(place), check);
    return check;
  }

  #pump(): void {
    while (this.#running < maxConcurrent && this.#queue.length > 0 && !this.#stopping.signal.aborted) {
      const check = this.#queue.shift() as Check;
      if (this.#isWanted(check)) void this.#run(check);
    }
  }

  #isWanted(check: Check): boolean {
    if (this.#checks.get(keyOf(check.place)) !== check) return false;
    if (this.#clock.monotonic() - check.askedAtMs <= interestMs) return true;
    this.#checks.delete(keyOf(check.place));
    return false;
  }

  async #run(check: Check): Promise<void> {
    const { address, port } = check.place;
    this.#running += 1;
    const listening = await this.#isListening(address, port, this.#stopping.signal).catch(() => false);
    this.#running -= 1;
    const isNew = listening && !check.listening;
    check.listening = listening;
    if (isNew && this.#isWanted(check)) this.#onListening(port);
    if (!listening) void this.#retry(check);
    this.#pump();
  }

  async #retry(check: Check): Promise<void> {
    const pauseMs = backoffMs(++check.failures, firstPauseMs, longestPauseMs);
    await this.#clock.sleep(pauseMs, this.#stopping.signal).catch(() => undefined);
    this.#queue.push(check);
    this.#pump();
  }
}

function keyOf({ id, address, port }: ListenPlace): string {
  return `${id}/${address}/${port}`;
}
