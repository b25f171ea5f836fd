import type { CancelTimer, Resource, Target, TargetPort } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { firstAddress } from '../endpoints/affinity.ts';
import { EndpointSet, type EndpointUser } from '../endpoints/endpoint-set.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Exchange, ExchangeGate, ExchangeLane } from '../exchange/exchange.ts';
import { causeText, type Outcome, type Refusal } from '../outcome.ts';
import type { Wake } from '../wake/wake.ts';

/** An item of a {@link HoldQueue}; the links are the queue's own. */
export interface Holdable<T> {
  /** Order of arrival in the process. */
  readonly seq: number;
  prev: T | undefined;
  next: T | undefined;
}

/**
 * First in, first out, as records linked to each other: a client that leaves frees its slot at once wherever it
 * stands, and ten thousand held requests are ten thousand records, not ten thousand waiting functions.
 */
export class HoldQueue<T extends Holdable<T>> {
  head: T | undefined;
  size = 0;
  #tail: T | undefined;

  /** Adds by order of arrival. One that was released and comes back finds its old place, which is near the head. */
  add(item: T): void {
    this.size += 1;
    let after = this.#tail === undefined || this.#tail.seq < item.seq ? undefined : this.head;
    while (after !== undefined && after.seq < item.seq) after = after.next;
    const prev = after === undefined ? this.#tail : after.prev;
    item.prev = prev;
    item.next = after;
    if (prev === undefined) this.head = item;
    else prev.next = item;
    if (after === undefined) this.#tail = item;
    else after.prev = item;
  }

  shift(): T | undefined {
    const item = this.head;
    if (item !== undefined) this.remove(item);
    return item;
  }

  /** Takes out one that is in this queue. */
  remove(item: T): void {
    this.size -= 1;
    if (item.prev === undefined) this.head = item.next;
    else item.prev.next = item.next;
    if (item.next === undefined) this.#tail = item.prev;
    else item.next.prev = item.prev;
    item.prev = undefined;
    item.next = undefined;
  }
}

// Counted in fifths: a request adds one, a retry takes five.
const costs = 5;
/** So many of the last requests are remembered. */
const most = 500;
/** A quiet resource has ten retries, too, one of which comes back each second. */
const least = 10 * costs;

/** How many of a resource's requests may be sent once more, so that an app that breaks off is not sent even more. */
export class RetryBudget {
  #left = least;
  #atMs = 0;

  /** A request was sent for the first time. */
  add(): void {
    if (this.#left < most) this.#left += 1;
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    if (this.#left < least) this.#left = Math.min(least, this.#left + ((nowMs - this.#atMs) / 1000) * costs);
    this.#atMs = nowMs;
    if (this.#left < costs) return false;
    this.#left -= costs;
    return true;
  }
}

/** When nothing moved for so long although endpoints take connections, more is tried at once. */
const patienceMs = 1000;

/** The gate that a lane leads through. */
export interface LaneGate extends ExchangeGate {
  readonly core: Core;
  readonly resource: Resource;
  readonly removed: boolean;
  readonly retries: RetryBudget;
  readonly wake: Wake;
  /** Its wake, if there ever was a reason for one. */
  readonly wakeSoFar: Wake | undefined;
  /** Why its wake is blocked, as last heard. */
  blockedReason: string | undefined;
  /** Requests since start, quiet ones not counted. */
  arrivals: number;
  /** Monotonic. */
  lastArrivalMs: number | undefined;
  isOpen(): boolean;
  /** A request was held: wakes, and watches over the hold limit. */
  holds(x: Exchange): void;
  /** A quiet request came by and cannot pass. */
  quietWaits(): void;
  /** Books what ended. */
  ended(x: Exchange, outcome: Outcome, status: number, detail: string | undefined): void;
}

/** The way of a lane's requests. */
export interface LaneWay {
  /** Keeps a request until an endpoint is there or its time is over. */
  hold(x: Exchange): void;
  /** Sends it to an endpoint. */
  send(x: Exchange, state: EndpointState): void;
}

/** One target's lane: its held requests in order, and its endpoints. */
export class Lane implements ExchangeLane, EndpointUser {
  readonly gate: LaneGate;
  readonly way: LaneWay;
  // Ten thousand sleepers have none of these: they are made for the first request.
  #endpoints: EndpointSet | undefined;
  #queue: HoldQueue<Exchange> | undefined;
  port: TargetPort;
  #pumping = false;
  #cancelRetry: CancelTimer | undefined;
  /** Monotonic; when that is. */
  #retryAtMs = 0;

  constructor(gate: LaneGate, port: TargetPort, wayFor: (lane: Lane) => LaneWay) {
    this.gate = gate;
    this.port = port;
    this.way = wayFor(this);
  }

  get core(): Core {
    return this.gate.core;
  }

  get target(): Target {
    const { service, port } = this.port;
    return { resource: this.gate.ref, service, port };
  }

  get endpoints(): EndpointSet {
    this.#endpoints ??= new EndpointSet(this);
    return this.#endpoints;
  }

  get head(): Exchange | undefined {
    return this.#queue?.head;
  }

  get held(): number {
    return this.#queue?.size ?? 0;
  }

  isOpen(): boolean {
    return this.gate.isOpen();
  }

  /**
   * An endpoint for an arrival that need not wait; undefined: it must. Requests that came before go first. With `wanted`
   * false the endpoints are not even looked for. `nowMs` is monotonic.
   */
  passTo(wanted: boolean, nowMs: number, client?: string): EndpointState | undefined {
    if (!wanted) return undefined;
    this.endpoints.use(nowMs);
    if (this.held > 0 || !this.gate.isOpen()) return undefined;
    return this.endpoints.pick(nowMs, undefined, client);
  }

  /** By what a client is kept at one endpoint: its address, as proxies before it say. Undefined: requests take turns. */
  clientOf({ http, channel }: Exchange): string | undefined {
    if (this.port.clientAffinity !== true) return undefined;
    const forwarded = this.core.settings.trustForwarded ? http?.head.forwardedFor : undefined;
    return forwarded === undefined ? channel.remoteAddress : firstAddress(forwarded);
  }

  /** Begins to follow the endpoints, without a request that needs them. */
  look(): void {
    this.endpoints.use(this.core.clock.monotonic());
  }

  /** Whether held requests wait for an endpoint that is not there. */
  isStuck(): boolean {
    return this.held > 0 && !this.endpoints.isUsable(this.core.clock.monotonic());
  }

  /** Takes one in that is held from now on, in its place by arrival. */
  enqueue(x: Exchange): void {
    x.tries = 0;
    x.moveTo('held');
    this.#queue ??= new HoldQueue<Exchange>();
    this.#queue.add(x);
    this.gate.holds(x);
    this.pump();
  }

  /** Releases in order, as many as the endpoints' windows let through. */
  pump(): void {
    if (this.#pumping || this.held === 0) return;
    this.#pumping = true;
    const nowMs = this.core.clock.monotonic();
    while (this.held > 0 && this.gate.isOpen()) {
      const state = this.endpoints.pickForRelease(nowMs, this.head && this.clientOf(this.head));
      if (state === undefined) break;
      this.way.send(this.#queue?.shift() as Exchange, state);
    }
    this.#pumping = false;
    if (this.held > 0) this.#retryLater(nowMs);
  }

  /** A setScale resolved. */
  woken(): void {
    this.#endpoints?.refresh();
    this.pump();
  }

  endpointsChanged(serves: boolean): void {
    if (serves) this.gate.wake.serves();
    this.pump();
  }

  endpointsUnknown(reason: string): void {
    this.gate.blockedReason = reason;
  }

  left(x: Exchange): void {
    this.#queue?.remove(x);
  }

  ended(x: Exchange, outcome: Outcome, status: number, detail: string | undefined): void {
    this.gate.ended(x, outcome, status, detail);
    if (this.gate.held === 0) this.gate.wakeSoFar?.idle();
    else this.pump();
  }

  /** Ends those whose time is over. */
  expire(nowMs: number): void {
    for (let x = this.head; x !== undefined && x.deadlineMs <= nowMs; x = this.head) {
      this.refuseLate(x, nowMs);
    }
  }

  /** Ends one whose time is over. */
  refuseLate(x: Exchange, nowMs: number): void {
    const waitedMs = Math.round(nowMs - x.startedMs);
    if (x.failure !== undefined && this.gate.isOpen()) {
      x.refuse({
        outcome: 'upstream-connect',
        detail: `no endpoint took it in ${waitedMs} ms: ${causeText(x.failure)}`,
      });
      return;
    }
    const { blockedReason } = this.gate;
    const because = blockedReason === undefined ? '' : `: ${blockedReason}`;
    x.refuse({ outcome: 'wake-timeout', detail: `${this.gate.key} was not awake after ${waitedMs} ms${because}` });
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
    this.#endpoints?.stop();
  }

  /** Ends a watch that no request used since then. */
  sweep(unusedSinceMs: number): void {
    if (this.held === 0) this.#endpoints?.sweep(unusedSinceMs);
  }

  #retryLater(nowMs: number): void {
    if (this.endpoints.size === 0) return;
    const waitMs = this.endpoints.waitMs(nowMs);
    const atMs = nowMs + (waitMs ?? patienceMs);
    if (this.#cancelRetry !== undefined && this.#retryAtMs <= atMs) return;
    this.#cancelRetry?.();
    this.#retryAtMs = atMs;
    this.#cancelRetry = this.core.clock.after(atMs - nowMs, () => {
      this.#cancelRetry = undefined;
      if (waitMs === undefined) for (const state of this.endpoints.list) state.waited(atMs - patienceMs);
      this.pump();
    });
  }
}
