import type { Connecting } from '../endpoints/upstreams.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Outcome } from '../outcome.ts';
import type { Attempt, Limits, Way } from './carrier.ts';
import type { Exchange } from './exchange.ts';

/** By RFC 9110 §9.2.2: sending one twice has the effect of sending it once. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PROPFIND', 'SEARCH', 'QUERY']);

/**
 * One try to have one exchange answered by one endpoint, in whatever protocol: connect → sent → answering → done. What
 * the protocols have in common stands here: their limits, how a try ends, and the place at the endpoint that a request
 * takes which was held.
 */
export abstract class BaseAttempt implements Attempt {
  protected readonly x: Exchange;
  protected readonly way: Way<Exchange>;
  protected readonly state: EndpointState;
  protected readonly limits: Limits;
  /** The endpoint has been sent the request's head. */
  protected isSent = false;
  /** The try is over: whatever the endpoint still sends is not heard. */
  protected done = false;
  /** Monotonic; when it was sent. Measured for a request that was held alone. */
  #sentMs = 0;
  /** Whether it has a place in its endpoint's window, as a request that was held has until its answer begins or its try ends. */
  #hasPlace: boolean;

  constructor(x: Exchange, way: Way<Exchange>, state: EndpointState) {
    this.x = x;
    this.way = way;
    this.state = state;
    this.limits = way.limits;
    this.#hasPlace = x.wasHeld;
    if (x.wasHeld) state.window.used += 1;
  }

  abstract dispatch(): void;

  /** Breaks off what was begun with the endpoint. */
  protected abstract drop(reason: Error): void;

  /** The answer is whole: gives back the connection or stream. */
  protected abstract letGo(): void;

  get isUnderWay(): boolean {
    return this.x.state === 'forwarding' && this.x.attempt === this;
  }

  /** How long its connection is kept behind it. */
  get keepMs(): number {
    return this.limits.upstreamKeepAliveMs;
  }

  /** How its connection is made. */
  connecting(): Connecting {
    return this.way.connecting(this.state, this.limits.connectTimeoutMs);
  }

  abort(): void {
    this.fail(new Error('the client left'));
  }

  broke(error: unknown): void {
    this.x.broke(error, this);
  }

  /** The head is out. `isFirst`: by a connection that had not served before, so the endpoint takes connections. */
  protected sent(isFirst = true): void {
    this.isSent = true;
    if (this.#hasPlace) this.#sentMs = this.x.core.clock.monotonic();
    if (isFirst) this.way.connected(this.state);
  }

  /** An answer begins. */
  protected answered(): void {
    this.way.answered(this.x, this.state, this.#hasPlace ? this.#sentMs : undefined);
    this.leavePlace();
  }

  /** The answer is whole. */
  protected complete(status: number): void {
    this.done = true;
    this.letGo();
    this.x.end('forwarded', status);
  }

  /** Ends the try, and the request with it. */
  protected refuse(outcome: Outcome, reason: string): void {
    const detail = `${this.state.key}: ${reason}`;
    this.fail(new Error(detail), () => this.x.refuse({ outcome, detail }));
  }

  /**
   * Ends the try. `book` says what becomes of the request. The place is left behind that: what is released by it then
   * finds the endpoint as it is now.
   */
  protected fail(reason: Error, book?: () => void): void {
    if (this.done) return;
    this.done = true;
    this.drop(reason);
    try {
      book?.();
    } finally {
      this.leavePlace();
    }
  }

  /** Whether a request without a body, to which nothing came back, may be sent once more. */
  protected mayRepeat(method: string): boolean {
    return !this.x.repeated && idempotent.has(method);
  }

  /** Leaves its place, once, to the next request. */
  protected leavePlace(): void {
    if (!this.#hasPlace) return;
    this.#hasPlace = false;
    this.state.window.used -= 1;
    this.way.pump();
  }
}
