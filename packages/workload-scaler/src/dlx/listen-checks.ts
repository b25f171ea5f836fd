import type { Clock } from '@scaler/scaler-types';
import { backoffMs } from '@scaler/async';

/** Resolves whether something listens there. */
export type IsListening = (address: string, port: number, signal: AbortSignal) => Promise<boolean>;

/** One place to be checked; `id` tells apart two instances that have had the same address. */
export interface ListenPlace {
  readonly id: string;
  readonly address: string;
  readonly port: number;
}

/** Finds out which places are listened on. What once was found to be is asked again only when that is wanted. */
export interface ListenChecks {
  /** Whether it is known to be listened on. */
  has(place: ListenPlace): boolean;
  /** Unless it is known to be listened on, checks it in the background, and again with growing pauses until it is. */
  want(place: ListenPlace): void;
  /** Checks it now, whatever is known of it. */
  check(place: ListenPlace): Promise<void>;
  /** Forgets the places of all instances but these. */
  keep(ids: ReadonlySet<string>): void;
  stop(): void;
}

interface Check {
  readonly place: ListenPlace;
  listening: boolean;
  failures: number;
  askedAtMs: number;
}

const maxConcurrent = 64;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
// What was not asked for during this long is not checked again.
const interestMs = 60_000;

/** `onListening`: something was found to listen on that port. */
export function createListenChecks(
  clock: Clock,
  isListening: IsListening,
  onListening: (port: number) => void,
): ListenChecks {
  return new Checks(clock, isListening, onListening);
}

class Checks implements ListenChecks {
  readonly #clock: Clock;
  readonly #isListening: IsListening;
  readonly #onListening: (port: number) => void;
  readonly #checks = new Map<string, Check>();
  readonly #queue: Check[] = [];
  readonly #stopping = new AbortController();
  #running = 0;

  constructor(clock: Clock, isListening: IsListening, onListening: (port: number) => void) {
    this.#clock = clock;
    this.#isListening = isListening;
    this.#onListening = onListening;
  }

  has(place: ListenPlace): boolean {
    return this.#checks.get(keyOf(place))?.listening === true;
  }

  want(place: ListenPlace): void {
    if (this.#asked(place) !== undefined) return;
    this.#queue.push(this.#begin(place));
    this.#pump();
  }

  async check(place: ListenPlace): Promise<void> {
    const known = this.#asked(place);
    // What was not found to listen is tried again as it is.
    if (known?.listening !== false) await this.#run(known ?? this.#begin(place));
  }

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
