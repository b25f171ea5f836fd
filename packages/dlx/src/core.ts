import type { GuardedScaler } from '@scaler/runtime';
import type { Clock, Logger } from '@scaler/scaler-types';
import type { Accounting, Faults } from './ledger/accounting.ts';
import type { Settings } from './settings.ts';
import type { Upstreams } from './endpoints/upstreams.ts';
import type { UpstreamSessions } from './http2/upstream-sessions.ts';
import type { SilenceLooks } from './sockets/silence.ts';
import type { Turns, WakeLimits } from './wake/wake-limits.ts';
import type { Outcome } from './outcome.ts';
import type { WakeMetrics } from './wake/wake-metrics.ts';

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
  /** Connections to endpoints in HTTP/2, which requests share. */
  readonly sessions: UpstreamSessions;
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
