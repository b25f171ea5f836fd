import { type CancelTimer, errorCode, type Target, type TargetPort } from '@scaler/scaler-types';
import { EndpointSet } from '../endpoints/endpoint-set.ts';
import { EndpointSource } from '../endpoints/endpoint-source.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Connecting } from '../endpoints/upstreams.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Entered } from '../identify/directory.ts';
import type { Gate } from './gate.ts';
import { causeText, type Refusal } from '../outcome.ts';
import { pausedAsleep } from './pause.ts';
import { heldBytesOf, overflowOf } from './bounds.ts';
import { HoldQueue } from './hold-queue.ts';
import type { ReleasePlace } from '../endpoints/release-place.ts';

/** When nothing moved for so long although endpoints take connections, more is tried at once. */
const patienceMs = 1000;
/** A connection may take no longer while there is another endpoint to go to. */
const connectBrieflyMs = 250;

/** The way to one target: its held requests in order, and its endpoints. */
export class Lane {
  readonly gate: Gate;
  // Ten thousand sleepers have none of these: they are made for the first request.
  #endpoints: EndpointSet | undefined;
  #queue: HoldQueue<Exchange> | undefined;
  #source: EndpointSource | undefined;
  port: TargetPort;
  /** What the directory has entered for it, to take out the same again. */
  entered: Entered | undefined = undefined;
  #pumping = false;
  #cancelRetry: CancelTimer | undefined;
  /** Monotonic; when that is. */
  #retryAtMs = 0;

  constructor(gate: Gate, port: TargetPort) {
    this.gate = gate;
    this.port = port;
  }

  get target(): Target {
    const { service, port } = this.port;
    return { resource: this.gate.ref, service, port };
  }

  get endpoints(): EndpointSet {
    this.#endpoints ??= new EndpointSet();
    return this.#endpoints;
  }

  get head(): Exchange | undefined {
    return this.#queue?.head;
  }

  get held(): number {
    return this.#queue?.size ?? 0;
  }

  /**
   * An endpoint for an arrival that need not wait; undefined: it must. Whoever came before goes first. With `wanted`
   * false the endpoints are not even looked for. `nowMs` is monotonic.
   */
  passTo(wanted: boolean, nowMs: number): EndpointState | undefined {
    if (!wanted) return undefined;
    this.#useSource(nowMs);
    if (this.held > 0 || !this.gate.isOpen()) return undefined;
    return this.endpoints.pick(nowMs);
  }

  /** Begins to follow the endpoints, without a request that needs them. */
  look(): void {
    this.#useSource(this.gate.core.clock.monotonic());
  }

  /** Whether held requests wait for an endpoint that is not there. */
  isStuck(): boolean {
    return this.held > 0 && !this.endpoints.isUsable(this.gate.core.clock.monotonic());
  }

  /** Keeps it until an endpoint is there or its time is over. */
  hold(x: Exchange): void {
    const refusal = pausedAsleep(this.gate) ?? this.gate.wake.refusal();
    if (refusal !== undefined) {
      x.refuse(refusal);
      return;
    }
    x.heldBytes ||= heldBytesOf(x.carrier) + x.keptBytes;
    // Those that were let out and come back had their places, and are as few as the windows let through.
    const overflow = x.wasHeld ? undefined : this.#overflow(x);
    if (overflow !== undefined) {
      x.refuse({ outcome: 'overflow', detail: `${this.gate.key}: ${overflow}` });
      return;
    }
    x.deadlineMs = this.#deadlineOf(x);
    // Out at an endpoint when its time was over, it was not among those that ended then.
    const nowMs = this.gate.core.clock.monotonic();
    if (x.failure !== undefined && nowMs >= x.deadlineMs) {
      this.#refuseLate(x, nowMs);
      return;
    }
    x.tries = 0;
    x.moveTo('held');
    this.#queue ??= new HoldQueue<Exchange>();
    this.#queue.add(x);
    this.gate.holds(x);
    this.pump();
  }

  start(x: Exchange, state: EndpointState): void {
    x.tries += 1;
    if (x.failure === undefined) this.gate.retries.add();
    x.moveTo('forwarding');
    if (x.wasHeld) this.gate.wake.released();
    try {
      x.attempt = x.carrier.attempt(x, this, state);
      state.began(x);
      x.attempt.dispatch();
    } catch (error) {
      // Also of one that was held: there is no listener around it.
      x.broke(error);
    }
  }

  /** How a new connection to an endpoint is made; `timeoutMs` is what it may take when there is no other. */
  connecting(state: EndpointState, timeoutMs: number): Connecting {
    const other = this.endpoints.hasOther(this.gate.core.clock.monotonic(), state);
    return { timeoutMs: other ? Math.min(timeoutMs, connectBrieflyMs) : timeoutMs, settleMs: state.settleMs };
  }

  /** A connection stands: those who waited for somebody to try may follow. */
  connected(state: EndpointState): void {
    if (state.failedUntilMs === 0) return;
    state.connected();
    this.pump();
  }

  /** No connection was had. */
  connectFailed(x: Exchange, state: EndpointState, error: unknown): void {
    const { core } = this.gate;
    const hung = errorCode(error) === 'ETIMEDOUT';
    state.refused(core.clock.monotonic(), hung);
    // Requests on those would wait for an answer that does not come.
    if (hung) core.upstreams.discardIdle(state.key);
    core.accounting.retried('connect');
    this.#unsent(x, state, error);
  }

  /** The endpoint broke off before a byte of the request was there to be sent. */
  replay(x: Exchange, state: EndpointState, error: unknown): void {
    this.gate.core.upstreams.discardIdle(state.key);
    this.gate.core.accounting.retried('replay');
    this.#unsent(x, state, error);
  }

  /**
   * The endpoint broke off without an answer to a request that may be sent once more: it is, unless the resource's
   * budget is used up. Returns whether it is.
   */
  repeat(x: Exchange, state: EndpointState, error: unknown): boolean {
    const { core, retries } = this.gate;
    const nowMs = core.clock.monotonic();
    if (!retries.take(nowMs)) {
      core.accounting.retryRefused();
      return false;
    }
    core.accounting.retried('idempotent');
    // Connections that stood idle for as long may be as dead as this one was.
    core.upstreams.discardIdle(state.key);
    x.repeated = true;
    this.#unsent(x, state, error);
    return true;
  }

  /** The head of an answer came; `place` is the request's, if it was held, and it was sent at `sentMs`, monotonic. */
  answered(x: Exchange, state: EndpointState, place: ReleasePlace | undefined, sentMs: number): void {
    const nowMs = this.gate.core.clock.monotonic();
    state.answered(nowMs);
    if (place?.leave() !== true) return;
    state.window.succeeded(nowMs - sentMs);
    this.gate.wake.answered(x);
  }

  /** Releases in order, as many as the endpoints' windows let through. */
  pump(): void {
    if (this.#pumping || this.held === 0) return;
    this.#pumping = true;
    const nowMs = this.gate.core.clock.monotonic();
    while (this.held > 0 && this.gate.isOpen()) {
      const state = this.endpoints.pickForRelease(nowMs);
      if (state === undefined) break;
      this.start(this.#queue?.shift() as Exchange, state);
    }
    this.#pumping = false;
    if (this.held > 0) this.#retryLater(nowMs);
  }

  /** A setScale resolved. */
  woken(): void {
    this.#source?.refresh();
    this.pump();
  }

  /** Takes out one that ends while held. */
  left(x: Exchange): void {
    this.#queue?.remove(x);
  }

  /** Ends those whose time is over. */
  expire(nowMs: number): void {
    for (let x = this.head; x !== undefined && x.deadlineMs <= nowMs; x = this.head) {
      this.#refuseLate(x, nowMs);
    }
  }

  refuseHeld(refusal: Refusal): void {
    for (let x = this.head; x !== undefined; x = this.head) x.refuse(refusal);
  }

  /** Its target is gone. */
  close(refusal: Refusal): void {
    this.stop();
    this.refuseHeld(refusal);
  }

  /** Ends its timer and its watch. */
  stop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#source?.stop();
  }

  /** Ends a watch that nobody used since then. */
  sweep(unusedSinceMs: number): void {
    if (this.held === 0) this.#source?.sweep(unusedSinceMs);
  }

  /** Monotonic; it may wait no longer, whether it is held or goes from one endpoint to the next. */
  #deadlineOf({ deadlineMs, startedMs }: Exchange): number {
    if (deadlineMs !== 0) return deadlineMs;
    return startedMs + (this.gate.resource.holdTimeoutMs ?? this.gate.core.settings.holdTimeoutMs);
  }

  #refuseLate(x: Exchange, nowMs: number): void {
    const waitedMs = Math.round(nowMs - x.startedMs);
    if (x.failure !== undefined && this.gate.isOpen()) {
      x.refuse({
        outcome: 'upstream-connect',
        detail: `no endpoint took it in ${waitedMs} ms: ${causeText(x.failure)}`,
      });
      return;
    }
    const { hindrance } = this.gate;
    const why = hindrance === undefined ? '' : `: ${hindrance}`;
    x.refuse({ outcome: 'wake-timeout', detail: `${this.gate.key} was not awake after ${waitedMs} ms${why}` });
  }

  #useSource(nowMs: number): void {
    this.#source ??= new EndpointSource(this);
    this.#source.use(nowMs);
  }

  #overflow(x: Exchange): string | undefined {
    const { gate } = this;
    const { settings, accounting } = gate.core;
    const limit = gate.resource.holdLimit ?? settings.holdLimit;
    if (gate.held >= limit) return `holds ${limit} requests already`;
    const { ledger, pipelined } = accounting;
    // What it is counted as by now it gives back.
    const own = x.charged + x.channel.connectionBytes;
    const bounds = { holdLimitTotal: settings.holdLimitTotal, holdBytesTotal: ledger.holdBytesTotal(own) };
    return (
      overflowOf(gate, [accounting, pipelined], x.heldBytes, bounds) ?? ledger.holdOverflowOf(gate, x.heldBytes, own)
    );
  }

  /** Nothing was sent that counts: it goes to another endpoint, or back to waiting in its old place. */
  #unsent(x: Exchange, state: EndpointState, error: unknown): void {
    x.failure = error;
    const { gate, endpoints } = this;
    if (gate.removed) {
      x.refuse({ outcome: 'no-route', detail: `${gate.key} is not managed any more` });
      return;
    }
    const nowMs = gate.core.clock.monotonic();
    const mayTry = x.tries <= endpoints.size && nowMs < this.#deadlineOf(x) && gate.isOpen();
    const next = mayTry ? endpoints.pickUsable(nowMs, state) : undefined;
    if (next === undefined) this.hold(x);
    else this.start(x, next);
  }

  #retryLater(nowMs: number): void {
    if (this.endpoints.size === 0) return;
    const waitMs = this.endpoints.waitMs(nowMs);
    const atMs = nowMs + (waitMs ?? patienceMs);
    if (this.#cancelRetry !== undefined && this.#retryAtMs <= atMs) return;
    this.#cancelRetry?.();
    this.#retryAtMs = atMs;
    this.#cancelRetry = this.gate.core.clock.after(atMs - nowMs, () => {
      this.#cancelRetry = undefined;
      if (waitMs === undefined) for (const state of this.endpoints.list) state.waited(atMs - patienceMs);
      this.pump();
    });
  }
}
