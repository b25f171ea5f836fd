import type { GuardedScaler } from '@scaler/runtime';
import type { Clock, Logger } from '@scaler/scaler-types';
import type { Accounting, Faults } from './ledger/accounting.ts';
import type { Upstreams } from './endpoints/upstreams.ts';
import type { SilenceLooks } from './sockets/silence.ts';
import type { Turns } from './turns.ts';
import type { Outcome } from './outcome.ts';
import type { WakeLimits } from './wake/wake-limits.ts';
import type { WakeMetrics } from './wake/wake-metrics.ts';

/** How much of the reason an answer of our own gives to the client. */
export type ProblemDetails = 'full' | 'brief';

/** The limits and habits of the data path. All times in milliseconds. */
export interface Settings {
  /** How long one request may be held, where its resource does not say. */
  readonly holdTimeoutMs: number;
  /** How many requests of one resource may be held, where it does not say. */
  readonly holdLimit: number;
  /** How many requests may wait in all. */
  readonly holdLimitTotal: number;
  /** How many bytes everything that the ledger counts may be in all. */
  readonly holdBytesTotal: number;
  /** How many connections clients may have in all. */
  readonly connectionLimit: number;
  /** Status for a request beyond these bounds. */
  readonly overflowStatus: 429 | 503;
  /** How many resources are woken at once. */
  readonly wakeLimit: number;
  /** The same, of one namespace. */
  readonly wakeLimitNamespace: number;
  /** A connection to an endpoint must stand by then. */
  readonly connectTimeoutMs: number;
  /** The upstream's answer must begin by then; 0: never mind. */
  readonly responseTimeoutMs: number;
  /** A body or a stream may be silent so long, either way; 0: for ever. */
  readonly idleTimeoutMs: number;
  /** Status for health checks of a sleeper. */
  readonly quietStatus: number;
  /** Whether `Forwarded` and `X-Forwarded-*` that arrive are kept and added to, or replaced. */
  readonly trustForwarded: boolean;
  /** The header by which trusted peers name the target, in lower case. */
  readonly targetHeader: string;
  readonly clusterDomain: string;
  /** How much of the reason our own answers give to clients. Default: all. */
  readonly problemDetails?: ProblemDetails;
}

/** A connection that left HTTP. */
export interface OpenTunnel {
  /** Ends it if it stands still; asked at every look. */
  look(nowMs: number): void;
  /** Ends it from our side, as cleanly as the protocol allows. */
  leave(outcome: Outcome, detail: string): void;
}

/** The parts that all of the data path shares. */
export interface Core {
  readonly scaler: GuardedScaler;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly accounting: Accounting;
  readonly faults: Faults;
  readonly settings: Settings;
  readonly upstreams: Upstreams;
  readonly wakes: WakeMetrics;
  readonly wakeLimits: WakeLimits;
  readonly wakeTurns: Turns;
  readonly tunnels: Set<OpenTunnel>;
  /** Our ends of raw connections to endpoints, by address and port. */
  readonly ownEnds: Set<string>;
  readonly silence: SilenceLooks;
  /** This replica's name. */
  readonly identity: string;
  /** Set once the process is asked to stop: answers close their connections. */
  draining: boolean;
  /** Set when the drain's time is over: whatever still comes is answered 503. */
  refusing: boolean;
  /** Set while memory is past its mark: new requests are refused. */
  shedding: boolean;
}
