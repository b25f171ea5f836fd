import { doublingMs } from '@scaler/async';
import type { Endpoint } from '@scaler/scaler-types';
import { KeepAlive } from './keep-alive.ts';

const first = 16;
const most = 1024;
/** A slow answer takes back this part of what a fast one gave. */
const slowCosts = 0.25;

/**
 * How many released requests may wait for one endpoint's answer at once. It grows when a windowful of answers was about
 * as fast as the fastest seen, so that a slow app is given many: fourfold if none of them was slow, for then it waits
 * for something else than its turn, else twofold. An app that serves one after the other, of whose windowful only the
 * first few are fast, is never given more than it had. It closes to one when an endpoint fails, and doubles when
 * nothing was answered for a while: long polls answer late.
 * See docs/decisions/release-window.md.
 */
export class ReleaseWindow {
  size = first;
  #fast = 0;
  #anySlow = false;
  #bestMs = Number.POSITIVE_INFINITY;
  /** Released requests that wait for their answer's head. */
  used = 0;

  get hasRoom(): boolean {
    return this.used < this.size;
  }

  /** `tookMs`: from when it was sent to when its answer began. */
  succeeded(tookMs: number): void {
    if (tookMs < this.#bestMs) this.#bestMs = Math.max(1, tookMs);
    if (this.size < first) {
      this.size += 1;
      return;
    }
    if (tookMs <= this.#bestMs * 2) this.#fast += 1;
    else {
      this.#fast = Math.max(0, this.#fast - slowCosts);
      this.#anySlow = true;
    }
    if (this.#fast >= this.size) this.#grow(this.#anySlow ? 2 : 4);
  }

  failed(): void {
    this.size = 1;
    this.#fast = 0;
  }

  waited(): void {
    this.#grow(2);
  }

  #grow(times: number): void {
    this.size = Math.min(most, this.size * times);
    this.#fast = 0;
    this.#anySlow = false;
  }
}

const firstPauseMs = 10;
const longestPauseMs = 1000;
/** An endpoint that hangs costs each request that tries it a wait. */
const firstHungPauseMs = 1000;
const longestHungPauseMs = 10_000;
/**
 * A connection to an endpoint that is not known to serve has to stand so long before a request is sent on it. What
 * listens before its app does (a sidecar, a port forwarder) accepts and resets at once; a request that was sent by
 * then may be lost, for it may not be sent twice.
 */
const settleMs = 10;

/** A try to reach an endpoint that refused. */
export interface Trial {
  /** Whether its request is still on its way by it. */
  readonly isUnderWay: boolean;
}

/** One address of a target, with what was learnt of it. */
export class EndpointState {
  /** `address:port`, with brackets around IPv6. */
  readonly key: string;
  endpoint: Endpoint;
  /** It is none of its target's any more. */
  gone = false;
  readonly window = new ReleaseWindow();
  readonly keepAlive = new KeepAlive();
  /** Monotonic; when it last began an answer. */
  answeredAtMs: number | undefined;
  /** Monotonic; left out until then while another can be had. */
  failedUntilMs = 0;
  /** Monotonic; when none can be had it is tried again from then on. */
  retryAtMs = 0;
  /** It took no connection when it was tried last. */
  refuses = false;
  /** In a row, those that came at once counted once. */
  #failures = 0;
  #trial: Trial | undefined;

  constructor(key: string, endpoint: Endpoint) {
    this.key = key;
    this.endpoint = endpoint;
  }

  /** It took no connection; `hung`: it did not even refuse. */
  refused(nowMs: number, hung: boolean): void {
    this.window.failed();
    this.refuses = true;
    this.#trial = undefined;
    if (nowMs < this.failedUntilMs) {
      // Of the same outage, or tried for lack of any other.
      this.retryAtMs = Math.max(this.retryAtMs, nowMs + firstPauseMs);
      return;
    }
    this.#failures += 1;
    this.retryAtMs = nowMs + doublingMs(this.#failures, firstPauseMs, longestPauseMs);
    this.failedUntilMs = hung
      ? nowMs + doublingMs(this.#failures, firstHungPauseMs, longestHungPauseMs)
      : this.retryAtMs;
  }

  /** It took a connection, and broke it off under a request. Where there is no other endpoint no request waits for that. */
  brokeOff(nowMs: number, answering: boolean): void {
    if (!answering) this.window.failed();
    if (nowMs < this.failedUntilMs) return;
    this.#failures += 1;
    this.failedUntilMs = nowMs + doublingMs(this.#failures, firstPauseMs, longestPauseMs);
  }

  /** A connection stands: others may come, though it has still to answer before it is trusted. */
  connected(): void {
    this.failedUntilMs = 0;
    this.retryAtMs = 0;
    this.refuses = false;
    this.#trial = undefined;
  }

  answered(nowMs: number): void {
    this.#failures = 0;
    this.connected();
    this.answeredAtMs = nowMs;
  }

  /** The held requests waited since then: more are tried at once if nothing was answered meanwhile. */
  waited(sinceMs: number): void {
    if (this.answeredAtMs === undefined || this.answeredAtMs < sinceMs) this.window.waited();
  }

  /** A request that is sent to an endpoint that refuses tries it for all others. */
  began(trial: Trial): void {
    if (this.refuses) this.#trial = trial;
  }

  /** Whether one tries it for all others. */
  get onTrial(): boolean {
    return this.#trial?.isUnderWay === true;
  }

  /** Whether it is as good as any other. */
  isUsable(nowMs: number): boolean {
    return this.failedUntilMs <= nowMs && !this.onTrial;
  }

  /** Milliseconds for which a new connection has to stand before it is used. */
  get settleMs(): number {
    return this.answeredAtMs === undefined || this.#failures > 0 ? settleMs : 0;
  }
}
