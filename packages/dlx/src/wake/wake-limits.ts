import { doublingMs, FairQueue } from '@scaler/async';
import type { CancelTimer, Clock } from '@scaler/scaler-types';

/**
 * `closed`: requests wake. `open`: they are answered at once, until it is time for the next try. `half-open`: that try is
 * under way, and requests that come wait for it.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How many breakers are in each state but `closed`. */
export type BreakerCounts = Record<Exclude<BreakerState, 'closed'>, number>;

/** One failed wake may be bad luck, such as a busy registry; two do not prove more. */
const failuresToOpen = 3;
const firstOpenMs = 1000;
/** Of a resource that nothing else shows to have recovered: it is tried again no later. */
const longestOpenMs = 8000;

/** One resource's failed wakes in a row, and whether another is worth a request's wait. */
export class Breaker {
  readonly #clock: Clock;
  readonly #counts: BreakerCounts;
  state: BreakerState = 'closed';
  /** In a row. */
  failures = 0;
  /** Monotonic; when a wake failed last. */
  failedMs = Number.NEGATIVE_INFINITY;
  #retryAtMs = 0;
  /** Of the last failure; undefined since a success. */
  cause: string | undefined;

  constructor(clock: Clock, counts: BreakerCounts) {
    this.#clock = clock;
    this.#counts = counts;
  }

  /** Milliseconds until the next try; undefined unless it is open. */
  get retryInMs(): number | undefined {
    if (this.state !== 'open') return undefined;
    return Math.max(0, this.#retryAtMs - this.#clock.monotonic());
  }

  /** Whether a request that only a wake helps may wait for one. The first that may once it is time is the try. */
  admits(): boolean {
    if (this.state === 'open') {
      if (this.#clock.monotonic() < this.#retryAtMs) return false;
      this.#become('half-open');
    }
    return true;
  }

  failed(cause: string): void {
    const nowMs = this.#clock.monotonic();
    this.cause = cause;
    this.failedMs = nowMs;
    // Of a wake from before it opened: it says nothing new.
    if (this.state === 'open') return;
    this.failures += 1;
    if (this.failures < failuresToOpen) return;
    this.#retryAtMs = nowMs + doublingMs(this.failures - failuresToOpen + 1, firstOpenMs, longestOpenMs);
    this.#become('open');
  }

  /** Something about the resource changed, which may have been what was needed: it is tried soon. */
  changed(): void {
    this.#retryAtMs = Math.min(this.#retryAtMs, this.failedMs + firstOpenMs);
  }

  /** It serves. */
  close(): void {
    this.failures = 0;
    this.cause = undefined;
    this.#become('closed');
  }

  #become(state: BreakerState): void {
    if (this.state !== 'closed') this.#counts[this.state] -= 1;
    if (state !== 'closed') this.#counts[state] += 1;
    this.state = state;
  }
}

/** So many calls may be made at once: a wake, and what a park or a restart under it makes necessary. */
const burst = 4;
const firstGapMs = 125;
/** Who recovers by itself is found out after so long at the latest. */
const longestGapMs = 2000;

/**
 * How often a resource's setScale is called while nothing shows that it serves: a few times at once, then seldomer and
 * seldomer. Neither a call that resolved nor another phase makes that good, for a scaler may tell both in vain for
 * ever; an answer does.
 */
export class WakePace {
  readonly #clock: Clock;
  /** Calls since the last answer. */
  unserved = 0;
  #left = burst;
  /** Monotonic; when `left` was true. */
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the next call may be made. */
  get waitMs(): number {
    const left = this.#leftNow();
    return left >= 1 ? 0 : (1 - left) * this.#gapMs;
  }

  called(): void {
    this.#left = this.#leftNow() - 1;
    this.#sinceMs = this.#clock.monotonic();
    this.unserved += 1;
  }

  /** A request was answered by it. */
  served(): void {
    this.unserved = 0;
    this.#left = burst;
  }

  #leftNow(): number {
    if (this.unserved === 0) return burst;
    return Math.min(burst, this.#left + (this.#clock.monotonic() - this.#sinceMs) / this.#gapMs);
  }

  get #gapMs(): number {
    return doublingMs(this.unserved, firstGapMs, longestGapMs);
  }
}

export interface WakeLimitsOptions {
  /** Wakes that are under way at once. */
  readonly limit: number;
  /** The same, of one namespace. */
  readonly namespaceLimit: number;
  readonly clock: Clock;
  /** Kept up to date, for the metrics. */
  readonly counts: WakeCounts;
}

export interface WakeCounts {
  underWay: number;
  waiting: number;
}

/** A wake's place among those under way, or in the line for one. */
export interface WakePlace {
  /** Whether it is under way. */
  readonly taken: boolean;
  /** Gives it up; harmless when it was given up before. */
  leave(): void;
}

/** A wake that does not serve after so long leaves its place to the next: it may never serve, and has cost what it will. */
const placeForMs = 30_000;

interface Place extends WakePlace {
  state: 'waiting' | 'taken' | 'left';
  readonly namespace: string;
  readonly onTurn: () => void;
  cancelLimit: CancelTimer | undefined;
}

/**
 * How many resources this process starts at once, over all and in each namespace. A wake beyond the limits waits in line:
 * in order of arrival within a namespace, and with a turn for each namespace in order, so that a crawler over one
 * namespace's sleepers does not keep another's waiting.
 */
export class WakeLimits {
  readonly #options: WakeLimitsOptions;
  readonly #taken = new Map<string, number>();
  readonly #line = new FairQueue<Place>();

  constructor(options: WakeLimitsOptions) {
    this.#options = options;
  }

  /** Takes a place where there is one, else joins the line; `onTurn` is called once it has one after all. */
  enter(namespace: string, onTurn: () => void): WakePlace {
    const place: Place = {
      state: 'waiting',
      namespace,
      onTurn,
      cancelLimit: undefined,
      get taken() {
        return this.state === 'taken';
      },
      leave: () => this.#leave(place),
    };
    // A wake in line that could have this place has it already: the line is never longer than it must be.
    if (this.#hasRoom(namespace)) this.#take(place);
    else this.#line.add(namespace, place);
    this.#options.counts.waiting = this.#line.size;
    return place;
  }

  /** Why the wakes in line wait. */
  reason(namespace: string): string {
    const { limit, namespaceLimit, counts } = this.#options;
    const own = this.#taken.get(namespace) ?? 0;
    return own >= namespaceLimit
      ? `wakes under way in namespace ${namespace}: ${own}, the limit is ${namespaceLimit}`
      : `wakes under way: ${counts.underWay}, the limit is ${limit}`;
  }

  #hasRoom(namespace: string): boolean {
    const { limit, namespaceLimit, counts } = this.#options;
    return counts.underWay < limit && (this.#taken.get(namespace) ?? 0) < namespaceLimit;
  }

  #take(place: Place): void {
    const { clock, counts } = this.#options;
    place.state = 'taken';
    counts.underWay += 1;
    this.#taken.set(place.namespace, (this.#taken.get(place.namespace) ?? 0) + 1);
    place.cancelLimit = clock.after(placeForMs, () => this.#leave(place));
  }

  #leave(place: Place): void {
    const { state, namespace } = place;
    place.state = 'left';
    if (state === 'waiting') this.#line.delete(namespace, place);
    if (state === 'taken') this.#giveUp(place);
    this.#options.counts.waiting = this.#line.size;
  }

  /** Its place goes to the next in line. */
  #giveUp({ namespace, cancelLimit }: Place): void {
    cancelLimit?.();
    this.#options.counts.underWay -= 1;
    const left = (this.#taken.get(namespace) ?? 0) - 1;
    if (left === 0) this.#taken.delete(namespace);
    else this.#taken.set(namespace, left);
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#take(next);
      next.onTurn();
    }
  }

  #next(): Place | undefined {
    const next = this.#line.take((namespace) => this.#hasRoom(namespace));
    this.#options.counts.waiting = this.#line.size;
    return next?.item;
  }
}

/**
 * Lets a few begin in one turn of the event loop and the others in those that follow: what the first have sent is
 * on its way, and is answered, while the next are made ready. A hundred that begin at once all wait for the last.
 */
export class Turns {
  readonly #portion: number;
  #begun = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param portion how many begin in one turn of the event loop. */
  constructor(portion: number) {
    this.#portion = portion;
  }

  /** Undefined: it is its turn. Else resolves once it is. */
  take(): Promise<void> | undefined {
    if (this.#begun === 0) setImmediate(() => this.#next());
    if (this.#begun >= this.#portion) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#begun += 1;
    return undefined;
  }

  #next(): void {
    const turn = this.#waiting.splice(0, this.#portion);
    this.#begun = turn.length;
    if (turn.length > 0) setImmediate(() => this.#next());
    for (const begin of turn) begin();
  }
}
