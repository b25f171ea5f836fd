import { FairQueue } from '@scaler/async';
import type { CancelTimer, Clock } from '@scaler/scaler-types';

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
