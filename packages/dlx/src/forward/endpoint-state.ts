import type { Endpoint } from '@scaler/scaler-types';
import type { Attempt } from '../carrier.ts';
import type { Exchange } from '../exchange.ts';
import { ReleaseWindow } from '../hold/release-window.ts';

const firstPauseMs = 10;
const longestPauseMs = 1000;
/** An endpoint that hangs costs each who tries it a wait. */
const firstHungPauseMs = 1000;
const longestHungPauseMs = 10_000;
/**
 * A connection to an endpoint that is not known to serve has to stand so long before a request is sent on it. What
 * listens before its app does (a sidecar, a port forwarder) accepts and resets at once; a request that was sent by
 * then may be lost, for it may not be sent twice.
 */
const settleMs = 10;

/** One address of a target, with what was learnt of it. */
export class EndpointState {
  /** `address:port`, with brackets around IPv6. */
  readonly key: string;
  endpoint: Endpoint;
  /** It is none of its target's any more. */
  gone = false;
  readonly window = new ReleaseWindow();
  /** Monotonic; when it last began an answer. */
  answeredAtMs: number | undefined;
  /** Monotonic; left out until then while another can be had. */
  failedUntilMs = 0;
  /** Monotonic; when none can be had it is tried again from then on. */
  retryAtMs = 0;
  /** In a row, those that came at once counted once. */
  #failures = 0;
  #trial: { readonly x: Exchange; readonly attempt: Attempt | undefined } | undefined;

  constructor(key: string, endpoint: Endpoint) {
    this.key = key;
    this.endpoint = endpoint;
  }

  /** `hung`: it did not even refuse. */
  failed(nowMs: number, hung = false): void {
    this.window.failed();
    this.#trial = undefined;
    if (nowMs < this.failedUntilMs) {
      // Of the same outage, or tried for lack of any other.
      this.retryAtMs = Math.max(this.retryAtMs, nowMs + firstPauseMs);
      return;
    }
    const times = 2 ** this.#failures;
    this.#failures += 1;
    this.retryAtMs = nowMs + Math.min(longestPauseMs, firstPauseMs * times);
    this.failedUntilMs = hung ? nowMs + Math.min(longestHungPauseMs, firstHungPauseMs * times) : this.retryAtMs;
  }

  /** A connection stands: others may come, though it has still to answer before it is trusted. */
  connected(): void {
    this.failedUntilMs = 0;
    this.#trial = undefined;
  }

  answered(nowMs: number): void {
    this.#failures = 0;
    this.connected();
    this.answeredAtMs = nowMs;
  }

  /** Whoever is held waited since then: more is tried at once if nothing was answered meanwhile. */
  waited(sinceMs: number): void {
    if (this.answeredAtMs === undefined || this.answeredAtMs < sinceMs) this.window.waited();
  }

  /** Who is sent to one that failed tries it for all others. */
  began(x: Exchange): void {
    if (this.failedUntilMs > 0) this.#trial = { x, attempt: x.attempt };
  }

  /** Whether one tries it for all others. */
  get onTrial(): boolean {
    return this.#trial?.x.state === 'forwarding' && this.#trial.x.attempt === this.#trial.attempt;
  }

  /** Whether it is as good as any other. */
  isUsable(nowMs: number): boolean {
    return this.failedUntilMs <= nowMs && (this.failedUntilMs === 0 || !this.onTrial);
  }

  /** Milliseconds for which a new connection has to stand before it is used. */
  get settleMs(): number {
    return this.answeredAtMs === undefined || this.#failures > 0 ? settleMs : 0;
  }
}
