import type { TargetPort } from '@scaler/scaler-types';
import type { Connecting } from '../endpoints/upstreams.ts';
import type { EndpointState, Trial } from '../endpoints/endpoint-state.ts';
import type { Settings } from '../settings.ts';
import type { Head } from '../head/head.ts';
import type { Refusal } from '../outcome.ts';
import type { Breakable } from '../sockets/guard.ts';

// The two sides of an exchange: its client and its target. `X` is the exchange itself.

/** Where requests come from: a connection, whatever it speaks. */
export interface Channel<X> {
  /** The port it came in on. */
  readonly port: number;
  /** Whether that port is one target's own. */
  readonly ownPort: boolean;
  readonly remoteAddress: string | undefined;
  /** Bytes that the ledger counts for it beside its requests, where it carries one at a time. */
  readonly connectionBytes: number;
  /** A request has its outcome. */
  done(x: X): void;
}

/** A request in HTTP. */
export interface HttpRequest {
  readonly method: string;
  /** Of HTTP, as `Via` gives it. */
  readonly version: string;
  /** As it came; `/…` in all but odd requests. */
  readonly url: string;
  /** As it is sent upstream, in origin form; `/` until the request was checked. */
  readonly path: string;
  readonly head: Head;
  /** The values of some fields, by their lower-case names, in one pass. */
  fields(names: ReadonlySet<string>): ReadonlyMap<string, string>;
}

/** An answer of our own. */
export interface OwnAnswer {
  readonly status: number;
  readonly fields: string[];
  readonly body: Buffer | undefined;
  /** Nothing more is taken on its connection. */
  readonly last: boolean;
  /** Undefined: it is none. */
  readonly refusal?: Refusal;
}

/** One request's way in and its answer's way out, in the protocol that its client speaks. */
export interface Carrier<X> {
  /** Undefined: a raw connection, whose bytes are not understood here. */
  readonly http: HttpRequest | undefined;
  /** Refuses what the protocol lets through and must not pass. */
  check(x: X): Refusal | undefined;
  /** Whether the head of an answer is on its way, so that another can no longer be given. */
  readonly answering: boolean;
  /** Writes an answer of our own, whole. */
  answer(answer: OwnAnswer): void;
  /** Breaks off an answer so that its client notices. */
  reset(refusal: Refusal): void;
  /** Makes a try to have it answered by an endpoint. */
  attempt(x: X, way: Way<X>, state: EndpointState): Attempt;
}

/** One try to have one request answered by one endpoint. */
export interface Attempt extends Breakable, Trial {
  dispatch(): void;
  /** The client's connection is joined to the upstream's: what becomes of it is not the end of the request yet. */
  readonly joined?: boolean;
  /** The request has its outcome: the upstream is to hear no more of it. */
  abort(): void;
}

/**
 * How long a request's waits may be, in milliseconds; 0: as long as it likes, but for the connection. And how long its
 * connection is kept behind it; 0: not at all.
 */
export type Limits = Pick<Settings, 'connectTimeoutMs' | 'responseTimeoutMs' | 'idleTimeoutMs' | 'upstreamKeepAliveMs'>;

/** The way to a target, as tries use it: they say what came of them, and it decides what becomes of the request. */
export interface Way<X> {
  readonly port: TargetPort;
  /** How long the waits of a request may be. */
  readonly limits: Limits;
  /** Lets go what is held, as far as the endpoints have places. */
  pump(): void;
  /** How a new connection to an endpoint is made; `timeoutMs` is what it may take when there is no other. */
  connecting(state: EndpointState, timeoutMs: number): Connecting;
  /** A connection stands: requests that waited for another to try may follow. */
  connected(state: EndpointState): void;
  /** No connection was had. */
  connectFailed(x: X, state: EndpointState, error: unknown): void;
  /** The endpoint broke off before a byte of the request was there to be sent. */
  replay(x: X, state: EndpointState, error: unknown): void;
  /**
   * The endpoint broke off without an answer to a request that may be sent once more: it is, unless the resource's
   * budget is used up. Returns whether it is.
   */
  repeat(x: X, state: EndpointState, error: unknown): boolean;
  /** The head of an answer came; monotonic, when the request was sent that has a place in its endpoint's window. */
  answered(x: X, state: EndpointState, sentMs: number | undefined): void;
}
