import { type Resource, resourceKey, type ResourceRef, type TargetPort } from '@scaler/scaler-types';
import type { FenceAnswer } from '@scaler/scaler-types/dlx-api';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { type Ended, RecentRequests } from '../ledger/accounting.ts';
import { Lane, type LaneGate, type LaneWay, RetryBudget } from './lane.ts';
import type { NamespaceLoad } from '../ledger/ledger.ts';
import type { Outcome, Refusal } from '../outcome.ts';
import { Wake } from '../wake/wake.ts';
import type { WakeTarget } from '../wake/wake-target.ts';

/** A live answer of setScale is believed for so long while the scaler says that its list may be out of date. */
const liveAnswerMs = 1000;

/** The answer to a fence, but for who answers which. */
export type Fenced = Omit<FenceAnswer, 'replica' | 'epoch'>;

/** One resource's gate: says whether its requests may pass, and holds and wakes when they may not. */
export class Gate implements LaneGate, WakeTarget {
  readonly key: string;
  readonly ref: ResourceRef;
  readonly core: Core;
  resource: Resource;
  removed = false;
  held = 0;
  heldBytes = 0;
  inFlightBytes = 0;
  readonly namespace: NamespaceLoad;
  inFlight = 0;
  /** Requests in flight that are not HTTP, or not any more: WebSockets, raw connections. */
  openStreams = 0;
  /** Requests since start, quiet ones not counted. */
  arrivals = 0;
  /** Monotonic. */
  lastArrivalMs: number | undefined = undefined;
  /** Monotonic; when the last request ended that is not quiet. */
  lastEndMs: number | undefined = undefined;
  /** Why its wake is blocked, as last heard; the detail of requests that waited in vain. */
  blockedReason: string | undefined = undefined;
  lanes: readonly Lane[] = [];
  // Ten thousand sleepers have none of these: they are made for the first request.
  #wake: Wake | undefined;
  #retries: RetryBudget | undefined;
  #recent: RecentRequests | undefined;
  #fence: string | undefined;
  /** Since the fence the scaler has listed it as awake again. That may be old: only a setScale is believed. */
  #fenceMayBeOver = false;
  /** Counts fences, so that a wake which began before one does not lift it; handed to {@link confirm}. */
  fenceSeq = 0;
  /** Monotonic; when setScale last said that it can serve. Forgotten once the phase says otherwise. */
  #confirmedMs: number | undefined;
  #cancelDeadline: (() => void) | undefined;
  #deadlineMs = Number.POSITIVE_INFINITY;
  readonly #wayFor: (lane: Lane) => LaneWay;

  constructor(core: Core, resource: Resource, wayFor: (lane: Lane) => LaneWay) {
    this.core = core;
    this.#wayFor = wayFor;
    this.ref = { namespace: resource.namespace, name: resource.name };
    this.key = resourceKey(resource);
    this.namespace = core.accounting.ledger.join(resource.namespace);
    this.resource = resource;
    this.update(resource);
  }

  get wake(): Wake {
    this.#wake ??= new Wake(this);
    return this.#wake;
  }

  /** Its wake, if there ever was a reason for one. */
  get wakeSoFar(): Wake | undefined {
    return this.#wake;
  }

  get retries(): RetryBudget {
    this.#retries ??= new RetryBudget();
    return this.#retries;
  }

  get fence(): string | undefined {
    return this.#fence;
  }

  get retryAfterS(): number {
    const { breaker, history } = this.wake;
    return breaker.retryInMs === undefined ? history.retryAfterS : Math.max(1, Math.ceil(breaker.retryInMs / 1000));
  }

  /**
   * Whether an arrival may pass at once. A fence closes the gate whatever the phase is; a phase that may be out of date
   * is not believed; the phase alone opens the gate, or a setScale that resolved since the phase last said otherwise.
   */
  isOpen(): boolean {
    if (this.#fence !== undefined || this.removed) return false;
    const stale = this.core.scaler.isStale?.(this.ref) ?? false;
    if (this.#confirmedMs !== undefined)
      return !stale || this.core.clock.monotonic() - this.#confirmedMs < liveAnswerMs;
    return !stale && (this.resource.phase === 'awake' || this.resource.phase === 'waking');
  }

  /** Takes the resource as the scaler listed it last. */
  update(resource: Resource): void {
    const wasOpen = this.held > 0 && this.isOpen();
    if (resource.phase !== this.resource.phase) this.#wake?.phaseChanged(resource.phase);
    if (isAwakeAgain(this.resource, resource)) this.#fenceMayBeOver = true;
    this.resource = resource;
    if (resource.phase !== 'awake' && resource.phase !== 'waking') this.#confirmedMs = undefined;
    const before = this.lanes;
    this.lanes = this.#lanesFor(resource.targets);
    const kept = new Set(this.lanes);
    for (const lane of before) {
      if (kept.has(lane)) continue;
      const { service, port } = lane.port;
      lane.close({ outcome: 'no-route', detail: `${this.key} has no port ${service}:${port} any more` });
    }
    if (this.held === 0) return;
    for (const lane of this.lanes) lane.pump();
    if (wasOpen && !this.isOpen()) this.wake.again();
  }

  /** Answers everything that is held: the resource is no longer managed. */
  remove(): void {
    this.removed = true;
    for (const lane of this.lanes) {
      lane.close({ outcome: 'no-route', detail: `${this.key} is not managed any more` });
    }
    this.#wake?.idle();
    this.#recent?.clear();
    this.core.accounting.ledger.leave(this.namespace);
  }

  /**
   * Closes the gate if nothing is under way, in the same step. A wake that is under way began before the fence, for a client
   * that may come back: it must not lift the fence.
   */
  raiseFence(epoch: string): Fenced {
    const { held, inFlight } = this;
    if (held > 0 || inFlight > 0)
      return { clear: false, held, inFlight, reason: `${held} held, ${inFlight} in flight` };
    if (this.#wake?.calling === true) return { clear: false, held, inFlight, reason: 'a wake is under way' };
    this.#fence = epoch;
    this.#fenceMayBeOver = false;
    this.fenceSeq += 1;
    return { clear: true, held, inFlight };
  }

  /** A setScale that began when `fenceSeq` was as given says that it can serve. */
  confirm(fenceSeq: number): void {
    if (fenceSeq !== this.fenceSeq) return;
    this.#fence = undefined;
    this.#confirmedMs = this.core.clock.monotonic();
    this.blockedReason = undefined;
    for (const lane of this.lanes) lane.woken();
  }

  /**
   * A quiet request came by and cannot pass. It wakes nothing; but only a setScale lifts a fence whose park was undone, and
   * where all requests are quiet no other would ask for one.
   */
  quietWaits(): void {
    if (this.#fence !== undefined && this.#fenceMayBeOver) this.wake.check();
  }

  /** Whether a request is held that only a setScale helps. */
  needsWake(): boolean {
    if (this.held === 0) return false;
    if (!this.isOpen()) return true;
    for (const lane of this.lanes) if (lane.isStuck()) return true;
    return false;
  }

  hasEndpoints(): boolean {
    for (const lane of this.lanes) if (lane.endpoints.size > 0) return true;
    return false;
  }

  /** A request was held: wakes, and watches over the hold limit. */
  holds(x: Exchange): void {
    this.armDeadline(x.deadlineMs);
    this.wake.start();
  }

  failHeld(refusal: Refusal): void {
    for (const lane of this.lanes) lane.refuseHeld(refusal);
  }

  /** Books what ended. */
  ended(x: Exchange, outcome: Outcome, status: number, detail: string | undefined): void {
    const endedMs = this.core.clock.monotonic();
    if (x.isUse) this.lastEndMs = endedMs;
    if (!this.removed) {
      this.#recent ??= new RecentRequests(this.core.accounting.ledger);
      this.#recent.add(x, endedMs, outcome, status, detail);
    }
  }

  /** The last requests that ended, newest first. */
  recent(): Ended[] {
    return this.#recent?.list(this.core.clock) ?? [];
  }

  /** One timer for all that are held: they leave in order, so the first deadline is the next. */
  armDeadline(deadlineMs: number): void {
    if (deadlineMs >= this.#deadlineMs) return;
    this.#cancelDeadline?.();
    this.#deadlineMs = deadlineMs;
    this.#cancelDeadline = this.core.clock.after(deadlineMs - this.core.clock.monotonic(), () => this.#expire());
  }

  /** Ends its timers and watches. */
  close(): void {
    this.#cancelDeadline?.();
    this.#wake?.close();
    for (const lane of this.lanes) lane.stop();
  }

  /** A lane for each port, those that there are already among them. */
  #lanesFor(ports: readonly TargetPort[]): Lane[] {
    // A port that is listed twice is one, as it was listed last. A Service may have thousands: each is looked up, not
    // looked for.
    const distinct = new Map<string, TargetPort>();
    for (const port of ports) {
      const key = laneKey(port);
      distinct.delete(key);
      distinct.set(key, port);
    }
    const known = new Map(this.lanes.map((lane) => [laneKey(lane.port), lane]));
    return Array.from(distinct, ([key, port]) => {
      const lane = known.get(key) ?? new Lane(this, port, this.#wayFor);
      lane.port = port;
      return lane;
    });
  }

  #expire(): void {
    this.#cancelDeadline = undefined;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    const nowMs = this.core.clock.monotonic();
    if (this.needsWake()) this.#tellTimedOut(nowMs);
    for (const lane of this.lanes) lane.expire(nowMs);
    for (const lane of this.lanes) if (lane.head !== undefined) this.armDeadline(lane.head.deadlineMs);
  }

  /** A call's own deadline may be short, so it is no sign of a failed wake. */
  #tellTimedOut(nowMs: number): void {
    const limitMs = this.resource.holdTimeoutMs ?? this.core.settings.holdTimeoutMs;
    for (const { head } of this.lanes) {
      if (head === undefined || head.deadlineMs > nowMs) continue;
      if (Math.round(head.deadlineMs - head.startedMs) >= limitMs) this.wake.timedOut(head.startedMs);
    }
  }
}

function isAwakeAgain(before: Resource, now: Resource): boolean {
  return now.phase === 'awake' && (before.phase !== 'awake' || before.awakeSince !== now.awakeSince);
}

function laneKey({ service, port }: TargetPort): string {
  return `${port} ${service}`;
}
