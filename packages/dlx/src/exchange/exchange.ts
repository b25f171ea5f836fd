import type { Resource, ResourceRef, Target } from '@scaler/scaler-types';
import type { Attempt, Carrier, Channel, HttpRequest } from './carrier.ts';
import type { Core } from '../core.ts';
import { bodyAheadOf, inFlightBytesOf, type NamespaceLoad } from '../ledger/ledger.ts';
import { causeText, type Outcome, outcomes, type Refusal } from '../outcome.ts';
import type { Breakable } from '../sockets/guard.ts';

/** The resource that an exchange is for, which counts what is held and in flight for it. */
export interface ExchangeGate {
  readonly key: string;
  readonly ref: ResourceRef;
  readonly resource: Pick<Resource, 'phase' | 'dlxSeesAll'>;
  readonly namespace: NamespaceLoad;
  /** Seconds after which another try may help. */
  readonly retryAfterS: number;
  held: number;
  heldBytes: number;
  inFlight: number;
  inFlightBytes: number;
  openStreams: number;
}

/** The lane of an exchange's target. */
export interface ExchangeLane {
  readonly gate: ExchangeGate;
  readonly target: Target;
  /** It ends while it is held. */
  left(x: Exchange): void;
  /** It has its outcome. */
  ended(x: Exchange, outcome: Outcome, status: number, detail: string | undefined): void;
}

/** `held` waits for an endpoint, `forwarding` is on its way, `ended` has its one outcome. */
export type ExchangeState = 'new' | 'held' | 'forwarding' | 'ended';

/** Characters of an error's text in a detail. */
const longestCause = 200;

let arrivals = 0;

/** One request and its answer, from head to outcome; the record that is held. */
export class Exchange implements Breakable {
  /** Order of arrival in the process. */
  readonly seq = ++arrivals;
  /** While it is held, those before and behind it. */
  prev: Exchange | undefined = undefined;
  next: Exchange | undefined = undefined;
  readonly core: Core;
  readonly channel: Channel<Exchange>;
  readonly carrier: Carrier<Exchange>;
  /** Its head, if it is HTTP. */
  readonly http: HttpRequest | undefined;
  /** Monotonic. */
  readonly startedMs: number;
  lane: ExchangeLane | undefined = undefined;
  state: ExchangeState = 'new';
  /** Whether it counts as activity: not quiet. */
  isUse = false;
  /** Monotonic; when its hold ends. */
  deadlineMs = 0;
  heldAtMs = 0;
  /** The bytes that it is counted as while it is held; 0: it never was. */
  heldBytes = 0;
  /** The bytes that it is counted as now, in flight; the connection that is its alone is counted by itself. */
  charged = 0;
  /** Of these, what was read from its client beside its head. */
  keptBytes = 0;
  wasHeld = false;
  attempt: Attempt | undefined = undefined;
  /** Why the last endpoint could not be had. */
  failure: unknown = undefined;
  /** Endpoints tried since it was last held. */
  tries = 0;
  /** Sent once more already, after an endpoint broke off without an answer. */
  repeated = false;
  #open = false;
  /** The bytes that it is counted as at least while it is in flight. */
  #inFlightBytes = 0;

  constructor(core: Core, channel: Channel<Exchange>, carrier: Carrier<Exchange>) {
    this.core = core;
    this.channel = channel;
    this.carrier = carrier;
    this.http = carrier.http;
    this.startedMs = core.clock.monotonic();
    core.accounting.accept();
    core.accounting.inFlight += 1;
  }

  /** Gives it to its target's lane; from here on it counts as the resource's. */
  enter(lane: ExchangeLane): void {
    this.lane = lane;
    lane.gate.inFlight += 1;
    this.#inFlightBytes = inFlightBytesOf(this.http);
    // The body is counted at the next look, and may be large by then.
    this.#charge(this.#inFlightBytes + bodyAheadOf(this.http?.head));
  }

  /** Why there is no room for it, though it need not be held. */
  overflow(): string | undefined {
    if (this.lane === undefined) return undefined;
    return this.core.accounting.ledger.overflowOf(this.lane.gate, this.charged);
  }

  /** On its way, so many bytes of it wait to be taken by one side or the other. */
  buffers(bytes: number): void {
    if (this.state === 'forwarding') this.#charge(this.#inFlightBytes + bytes);
  }

  /**
   * Whether the answer ends the connection: the process is about to stop, or the resource is awake and a new
   * connection through its Service would reach a pod.
   */
  closesConnection(): boolean {
    if (this.core.draining) return true;
    const resource = this.lane?.gate.resource;
    return this.channel.ownPort && resource?.phase === 'awake' && resource.dlxSeesAll !== true;
  }

  /**
   * What its carrier keeps of what came behind its head has grown to so many bytes. Held, that has to fit in like any other
   * request, or it ends.
   */
  keeps(bytes: number): void {
    const by = bytes - this.keptBytes;
    this.keptBytes = bytes;
    if (this.heldBytes > 0) this.#grow(by);
  }

  /** Its connection left HTTP: it is a stream now, which is open until the request ends. */
  opened(): void {
    if (this.#open || this.state === 'ended') return;
    this.#open = true;
    this.#countOpen(1);
  }

  /** The only place where held and in-flight are counted. */
  moveTo(state: ExchangeState): void {
    const was = this.state;
    if (was === state) return;
    this.state = state;
    const { accounting, clock } = this.core;
    const gate = this.lane?.gate;
    if (was === 'held') {
      this.#countHeld(-1);
      accounting.holdSeconds.observe((clock.monotonic() - this.heldAtMs) / 1000);
    } else {
      accounting.inFlight -= 1;
      if (gate !== undefined) gate.inFlight -= 1;
    }
    if (state === 'ended') {
      this.#charge(0);
      if (this.#open) this.#countOpen(-1);
      return;
    }
    if (state === 'held') this.#charge(0);
    else if (was === 'held') this.#charge(this.#inFlightBytes + bodyAheadOf(this.http?.head));
    if (state === 'held') {
      this.#countHeld(1);
      this.heldAtMs = clock.monotonic();
      this.wasHeld = true;
    } else {
      accounting.inFlight += 1;
      if (gate !== undefined) gate.inFlight += 1;
    }
  }

  /** Answers it ourselves. */
  refuse(refusal: Refusal): void {
    if (this.state === 'ended') return;
    let status: number = refusal.status ?? outcomes[refusal.outcome].status;
    try {
      status = answer(this, refusal);
    } catch (error) {
      this.#reportFault(error);
      this.#reset(refusal);
    }
    this.end(refusal.outcome, status, refusal.detail);
  }

  /** Answers it on behalf of a sleeper, which it does not wake. */
  answerQuiet(status: number): void {
    if (status >= 400) {
      this.refuse({ outcome: 'not-woken', detail: 'asleep; scrapes do not wake', status });
      return;
    }
    const fields = ['content-length', '0', 'cache-control', 'no-store', ...corsFieldsOf(this)];
    this.carrier.answer({ status, fields, body: undefined, last: this.core.draining });
    this.end('not-woken', status);
  }

  /**
   * Something threw at what its client or its endpoint sent: it ends by the usual refusal.
   *
   * @param by the try that it happened in; one that is given up already does not end the request.
   */
  broke(error: unknown, by?: Attempt): void {
    this.#reportFault(error);
    const { attempt } = this;
    if (by === undefined || by === attempt) {
      const what = attempt === undefined ? 'what the client sent' : 'what was sent, or came back,';
      const detail = `${what} cannot be passed on: ${causeText(error).slice(0, longestCause)}`;
      this.refuse({ outcome: attempt === undefined ? 'bad-request' : 'upstream-reset', detail });
    }
    try {
      (by ?? attempt)?.abort();
    } catch (second) {
      this.#reportFault(second);
    }
  }

  /** Counts it, once, and lets what waited behind it go on. */
  end(outcome: Outcome, status: number, detail?: string): void {
    if (this.state === 'ended') return;
    if (this.state === 'held') this.lane?.left(this);
    this.moveTo('ended');
    this.core.accounting.count(outcome);
    this.lane?.ended(this, outcome, status, detail);
    this.channel.done(this);
  }

  /** The connection closed before the answer was complete. */
  clientGone(): void {
    if (this.state === 'ended') return;
    const attempt = this.attempt;
    this.end('client-gone', 499);
    attempt?.abort();
  }

  #reportFault(error: unknown): void {
    this.core.faults.report(error, 'request', this.lane?.gate.ref);
  }

  /** Not even an answer of ours can be given. */
  #reset(refusal: Refusal): void {
    try {
      this.carrier.reset(refusalForClient(this, refusal));
    } catch (error) {
      this.#reportFault(error);
    }
  }

  #grow(by: number): void {
    if (this.state !== 'held') {
      this.heldBytes += by;
      return;
    }
    this.#countHeld(-1);
    this.heldBytes += by;
    this.#countHeld(1);
    const { free } = this.core.accounting.ledger;
    const gate = this.lane?.gate;
    if (gate === undefined || (free >= 0 && gate.heldBytes <= Math.max(free, this.heldBytes))) return;
    const detail = `${gate.key}: ${gate.heldBytes} bytes are held, with ${free} left for all`;
    this.refuse({ outcome: 'overflow', detail });
  }

  #countHeld(by: 1 | -1): void {
    const { accounting } = this.core;
    accounting.held += by;
    accounting.heldBytes += by * this.heldBytes;
    // A held request counts its connection.
    accounting.ledger.inFlight -= by * this.channel.connectionBytes;
    const gate = this.lane?.gate;
    if (gate === undefined) return;
    gate.held += by;
    gate.heldBytes += by * this.heldBytes;
    gate.namespace.bytes += by * this.heldBytes;
  }

  #charge(bytes: number): void {
    const by = bytes - this.charged;
    const gate = this.lane?.gate;
    if (by === 0 || gate === undefined) return;
    this.charged = bytes;
    this.core.accounting.ledger.inFlight += by;
    gate.inFlightBytes += by;
    gate.namespace.bytes += by;
  }

  #countOpen(by: 1 | -1): void {
    this.core.accounting.openStreams += by;
    if (this.lane !== undefined) this.lane.gate.openStreams += by;
  }
}

/** Names no pods, resources, images or nodes. */
const briefly: Record<Outcome, string> = {
  forwarded: 'forwarded',
  'client-gone': 'the client left',
  'wake-timeout': 'it was not awake in time',
  'wake-failed': 'it cannot be woken',
  overflow: 'too many requests wait already',
  'upstream-connect': 'it took no connection in time',
  'upstream-timeout': 'it did not begin its answer in time',
  'upstream-idle': 'it fell silent',
  'upstream-reset': 'it broke off',
  draining: 'this DLX is shutting down',
  'not-woken': 'it is asleep, and not woken by this kind of request',
  'no-route': 'no known resource has this host and path',
  'bad-request': 'it cannot be passed on as it stands',
};

/**
 * A refusal as its client gets it. Briefly that is the outcome in words; only what was wrong with the request itself,
 * before anything of the cluster was looked at, is given whole.
 */
function refusalForClient(x: Exchange, refusal: Refusal): Refusal {
  if (x.core.settings.problemDetails !== 'brief') return refusal;
  const { outcome, detail, status, retryAfterS } = refusal;
  const own = outcome === 'bad-request' && x.lane === undefined;
  return {
    outcome,
    detail: own ? detail : status === 508 ? 'it came back from its own endpoint' : briefly[outcome],
    ...(status !== undefined && { status }),
    ...(retryAfterS !== undefined && { retryAfterS }),
  };
}

const origin: ReadonlySet<string> = new Set(['origin']);
/** One origin, as it may be repeated. A name of DNS has 253 characters. */
const oneOrigin = /^[\x21-\x7e]{1,300}$/;

/**
 * Lets the page that asked read our answer (Fetch §3.3): without these its script sees an error without a status. Credentials
 * change nothing of what we answer, so a request with them may read it, too.
 */
function corsFieldsOf({ http, core }: Exchange): string[] {
  if (http === undefined || !core.settings.answersCors) return [];
  const asked = http.fields(origin).get('origin');
  if (asked === undefined || !oneOrigin.test(asked)) return [];
  return [
    ...['access-control-allow-origin', asked, 'access-control-allow-credentials', 'true'],
    ...['access-control-expose-headers', 'retry-after', 'vary', 'Origin'],
  ];
}

/** Writes an RFC 9457 problem and returns its status. A head that was sent cannot be taken back: the client gets a reset. */
export function answer(x: Exchange, whole: Refusal): number {
  const refusal = refusalForClient(x, whole);
  const rule = outcomes[refusal.outcome];
  const status = refusal.status ?? (refusal.outcome === 'overflow' ? x.core.settings.overflowStatus : rule.status);
  if (x.carrier.answering) {
    x.carrier.reset(refusal);
    return status;
  }
  const unknown = !rule.retry || refusal.retryAfterS === null;
  const retryAfterS = unknown ? undefined : (refusal.retryAfterS ?? x.lane?.gate.retryAfterS ?? 5);
  const body = Buffer.from(
    JSON.stringify({
      type: 'about:blank',
      title: rule.title,
      status,
      code: refusal.outcome,
      detail: refusal.detail,
      ...(x.lane &&
        x.core.settings.problemDetails !== 'brief' && {
          resource: x.lane.gate.key,
          service: x.lane.target.service,
          port: x.lane.target.port,
        }),
      ...(retryAfterS !== undefined && { retryAfter: retryAfterS }),
      ...(refusal.tried && { tried: refusal.tried }),
    }),
  );
  const fields = ['content-type', 'application/problem+json', 'content-length', String(body.length)];
  fields.push('cache-control', 'no-store');
  if (retryAfterS !== undefined) fields.push('retry-after', String(retryAfterS));
  fields.push(...corsFieldsOf(x));
  const last = x.core.draining || refusal.outcome === 'bad-request';
  x.carrier.answer({ status, fields, body, last, refusal });
  return status;
}
