import { errorCode, type Resource, type TargetPort } from '@scaler/scaler-types';
import type { Handle } from './accept/connection.ts';
import type { Settings } from './settings.ts';
import type { Core } from './core.ts';
import type { Connecting } from './endpoints/upstreams.ts';
import type { EndpointState } from './endpoints/endpoint-state.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Limits, Way } from './exchange/carrier.ts';
import type { Lane, LaneWay } from './gate/lane.ts';
import { quietOf } from './gate/quiet.ts';
import { addForwarded } from './head/head.ts';
import type { Directory, Trust } from './identify/directory.ts';
import { heldBytesOf, overflowOf } from './ledger/ledger.ts';
import type { Refusal } from './outcome.ts';

/*
 * The whole way of a request: each step with the function that takes it. Functions without a class are in this file.
 *
 *   arrived     Connection, Http2Connection and TcpConnection make an Exchange, and hand it to createProxy's function
 *   checked     Carrier.check refuses what the protocol lets through and must not pass
 *   identified  identify finds the Lane of a Gate, by port, host and path, name or header
 *   passed      Lane.passTo finds an endpoint, as the gate is open → TargetWay.send
 *   held        else TargetWay.hold → Lane.enqueue → Gate.holds → Wake.start, which calls setScale
 *   released    Gate.confirm or Lane.endpointsChanged, after a setScale or a new endpoint → Lane.pump → TargetWay.send
 *   sent        Carrier.attempt makes a BaseAttempt, whose dispatch connects and sends
 *   not sent    TargetWay.connectFailed, replay or repeat sends it to another endpoint, or holds it again
 *   answered    TargetWay.answered books the head of an answer, and the attempt copies the rest
 *   ended       Exchange.end counts its one outcome; Exchange.refuse writes the answer where it is our own
 */

/** A connection may take no longer while there is another endpoint to go to. */
const connectBrieflyMs = 250;

const stopping: Refusal = { outcome: 'draining', detail: 'this DLX is about to stop' };
const crowded: Refusal = { outcome: 'overflow', detail: 'this DLX has too little memory left for new requests' };

/** The first half of the way: from a head that was read to a request that passes, is held, or is refused. */
export function createProxy(core: Core, directory: Directory, trusts: Trust): Handle {
  const take: Handle = (x) => {
    const refusal = core.refusing ? stopping : core.shedding ? crowded : x.carrier.check(x);
    if (refusal !== undefined) {
      x.refuse(refusal);
      return;
    }
    const lane = identify(x, directory, trusts);
    if (lane === undefined) return;
    const { gate } = lane;
    x.enter(lane);
    if (isLoop(x, gate.key)) {
      x.refuse({ outcome: 'no-route', status: 508, detail: `came back to ${gate.key} from its own endpoint` });
      return;
    }
    addForwarded(x, gate.key);
    const quiet = quietOf(x.http, gate.resource.quietRules, lane.port.port);
    if (quiet === undefined) {
      gate.arrivals += 1;
      gate.lastArrivalMs = x.startedMs;
      x.isUse = true;
    }
    const endpoint = lane.passTo(quiet === undefined || gate.isOpen(), x.startedMs, lane.clientOf(x));
    if (endpoint !== undefined) sendIfRoom(x, lane, endpoint);
    else if (quiet === undefined) lane.way.hold(x);
    else {
      gate.quietWaits();
      x.answerQuiet(quiet === 'health' ? core.settings.quietStatus : 503);
    }
  };
  return (x) => {
    try {
      take(x);
    } catch (error) {
      x.broke(error);
    }
  };
}

/** A request that is held instead has to find room as such. */
function sendIfRoom(x: Exchange, lane: Lane, endpoint: EndpointState): void {
  const overflow = x.overflow();
  if (overflow === undefined) {
    lane.way.send(x, endpoint);
    return;
  }
  const { gate } = lane;
  gate.core.accounting.bounds.count('memory', gate.ref.namespace);
  x.refuse({ outcome: 'overflow', detail: `${gate.key}: ${overflow}` });
}

function identify(x: Exchange, directory: Directory, trusts: Trust): Lane | undefined {
  const { channel, http } = x;
  // A raw connection names no host: its port alone decides.
  if (channel.ownPort || http === undefined) {
    const found = directory.byPort(channel.port);
    if (found !== undefined) return found;
    const detail = `port ${channel.port} belongs to no resource`;
    x.refuse({ outcome: 'no-route', detail, tried: [`port ${channel.port}`] });
    return undefined;
  }
  const { head, path } = http;
  const query = path.indexOf('?');
  const address = {
    host: head.host,
    path: query === -1 ? path : path.slice(0, query),
    target: head.target !== undefined && trusts(channel.remoteAddress) ? head.target : undefined,
  };
  const lane = directory.identify(address);
  if (lane !== undefined) return lane;
  const tried = directory.tried(address);
  x.refuse({ outcome: 'no-route', detail: 'no known resource has this host and path', tried });
  return undefined;
}

function isLoop({ http }: Exchange, key: string): boolean {
  const hop = http?.head.hop;
  return hop !== undefined && hop.split(',').some((passed) => passed.trim() === key);
}

/** The second half of the way, to one target: held, released, sent, tried again, answered. */
export class TargetWay implements Way<Exchange>, LaneWay {
  readonly #lane: Lane;

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  get port(): TargetPort {
    return this.#lane.port;
  }

  get limits(): Limits {
    const { gate } = this.#lane;
    return limitsOf(gate.resource, gate.core.settings);
  }

  hold(x: Exchange): void {
    const lane = this.#lane;
    const { gate } = lane;
    const refusal = gate.wake.refusal();
    if (refusal !== undefined) {
      x.refuse(refusal);
      return;
    }
    x.heldBytes ||= heldBytesOf(x.http) + x.keptBytes;
    // A request that was released and comes back keeps its slot, so it skips the overflow check; the windows keep those few.
    const overflow = x.wasHeld ? undefined : this.#overflow(x);
    if (overflow !== undefined) {
      x.refuse({ outcome: 'overflow', detail: `${gate.key}: ${overflow}` });
      return;
    }
    x.deadlineMs = this.#deadlineOf(x);
    // A request that was at an endpoint when its time was over did not end with the others.
    const nowMs = gate.core.clock.monotonic();
    if (x.failure !== undefined && nowMs >= x.deadlineMs) lane.refuseLate(x, nowMs);
    else lane.enqueue(x);
  }

  pump(): void {
    this.#lane.pump();
  }

  send(x: Exchange, state: EndpointState): void {
    const { gate } = this.#lane;
    x.tries += 1;
    if (x.failure === undefined) gate.retries.add();
    x.moveTo('forwarding');
    if (x.wasHeld) gate.wake.released();
    try {
      x.attempt = x.carrier.attempt(x, this, state);
      state.began(x.attempt);
      x.attempt.dispatch();
    } catch (error) {
      // A held request has no listener around it that would catch this.
      x.broke(error);
    }
  }

  connecting(state: EndpointState, timeoutMs: number): Connecting {
    const { endpoints, core } = this.#lane;
    const other = endpoints.hasOther(core.clock.monotonic(), state);
    return { timeoutMs: other ? Math.min(timeoutMs, connectBrieflyMs) : timeoutMs, settleMs: state.settleMs };
  }

  connected(state: EndpointState): void {
    if (state.failedUntilMs === 0) return;
    state.connected();
    this.#lane.pump();
  }

  connectFailed(x: Exchange, state: EndpointState, error: unknown): void {
    const { core } = this.#lane;
    const hung = errorCode(error) === 'ETIMEDOUT';
    state.refused(core.clock.monotonic(), hung);
    // Requests on those would wait for an answer that does not come.
    if (hung) this.#discardIdle(state);
    core.accounting.retried('connect');
    this.#unsent(x, state, error);
  }

  replay(x: Exchange, state: EndpointState, error: unknown): void {
    const { core } = this.#lane;
    this.#discardIdle(state);
    core.accounting.retried('replay');
    this.#unsent(x, state, error);
  }

  repeat(x: Exchange, state: EndpointState, error: unknown): boolean {
    const { core, gate } = this.#lane;
    const nowMs = core.clock.monotonic();
    if (!gate.retries.take(nowMs)) {
      core.accounting.retryRefused();
      return false;
    }
    core.accounting.retried('idempotent');
    // Connections that stood idle for as long may be as dead as this one was.
    this.#discardIdle(state);
    x.repeated = true;
    this.#unsent(x, state, error);
    return true;
  }

  answered(x: Exchange, state: EndpointState, sentMs: number | undefined): void {
    const lane = this.#lane;
    const nowMs = lane.core.clock.monotonic();
    const wasLeftOut = state.failedUntilMs !== 0;
    state.answered(nowMs);
    // One that has a place leaves it now, and lets others go by that.
    if (sentMs !== undefined) {
      state.window.succeeded(nowMs - sentMs);
      lane.gate.wake.answered(x);
    } else if (wasLeftOut) lane.pump();
  }

  /** Closes idle connections to an endpoint. */
  #discardIdle({ key }: EndpointState): void {
    const { upstreams, sessions } = this.#lane.core;
    upstreams.discardIdle(key);
    sessions.discardIdle(key);
  }

  /** Nothing was sent that counts: the request goes to another endpoint, or is held again in its old place. */
  #unsent(x: Exchange, state: EndpointState, error: unknown): void {
    x.failure = error;
    const lane = this.#lane;
    const { gate, endpoints } = lane;
    if (gate.removed) {
      x.refuse({ outcome: 'no-route', detail: `${gate.key} is not managed any more` });
      return;
    }
    const nowMs = gate.core.clock.monotonic();
    const mayTry = x.tries <= endpoints.size && nowMs < this.#deadlineOf(x) && gate.isOpen();
    const next = mayTry ? endpoints.pickUsable(nowMs, state, lane.clientOf(x)) : undefined;
    if (next === undefined) this.hold(x);
    else this.send(x, next);
  }

  /** Monotonic; it may wait no longer, whether it is held or goes from one endpoint to the next. */
  #deadlineOf({ deadlineMs, startedMs }: Exchange): number {
    if (deadlineMs !== 0) return deadlineMs;
    const { gate, core } = this.#lane;
    return startedMs + (gate.resource.holdTimeoutMs ?? core.settings.holdTimeoutMs);
  }

  #overflow(x: Exchange): string | undefined {
    const { gate } = this.#lane;
    const { settings, accounting } = gate.core;
    const limit = gate.resource.holdLimit ?? settings.holdLimit;
    if (gate.held >= limit) return `holds ${limit} requests already`;
    const { ledger, pipelined } = accounting;
    // Held, it gives back what it is counted as by now.
    const own = x.charged + x.channel.connectionBytes;
    const bounds = { holdLimitTotal: settings.holdLimitTotal, holdBytesTotal: ledger.holdBytesTotal(own) };
    return (
      overflowOf(gate, [accounting, pipelined], x.heldBytes, bounds) ?? ledger.holdOverflowOf(gate, x.heldBytes, own)
    );
  }
}

// Node's timers fire at once beyond it. Annotations are tenants' input.
const longestMs = 2 ** 31 - 1;

/** The resource's own limits, and the DLX's where it has none. Asked for every try: most resources have none at all. */
export function limitsOf(resource: Resource, settings: Settings): Limits {
  const { connectTimeoutMs, responseTimeoutMs, idleTimeoutMs, upstreamKeepAliveMs } = resource;
  if ((connectTimeoutMs ?? responseTimeoutMs ?? idleTimeoutMs ?? upstreamKeepAliveMs) === undefined) return settings;
  return {
    connectTimeoutMs: Math.min(connectTimeoutMs ?? settings.connectTimeoutMs, longestMs),
    responseTimeoutMs: responseTimeoutMs ?? settings.responseTimeoutMs,
    idleTimeoutMs: idleTimeoutMs ?? settings.idleTimeoutMs,
    upstreamKeepAliveMs: upstreamKeepAliveMs ?? settings.upstreamKeepAliveMs,
  };
}
