import { type BoundHistogram, createMetrics, type Metrics } from '@scaler/runtime';
import type { BreakerCounts } from '../wake/breaker.ts';
import { FaultCounter } from './faults.ts';
import type { Load } from '../gate/bounds.ts';
import { BoundsMet } from './bounds-met.ts';
import { Connections } from './connections.ts';
import { Ledger } from './ledger.ts';
import { addLedgerMetrics } from './ledger-metrics.ts';
import { Stalls } from './stalls.ts';
import { type Outcome, outcomeNames } from '../outcome.ts';
import type { WakeCounts } from '../wake/wake-limits.ts';
import { type WakePhase, wakePhaseNames } from '../wake/wake-phases.ts';

/** One request that ended, for people who ask what happened last. */
export interface Ended {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly outcome: Outcome;
  readonly status: number;
  readonly method: string;
  readonly path: string;
  /** Milliseconds from head to end. */
  readonly tookMs: number;
  readonly detail?: string;
}

/** Why a request is tried again. */
export type Retry = 'connect' | 'replay' | 'idempotent';

const secondsBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * Every request counted once at its head and once at its end: `accepted` is the sum of all outcomes plus what is held
 * and in flight now. Plain numbers, because the hot path counts too; metrics read them when they are scraped.
 */
export class Accounting {
  accepted = 0;
  held = 0;
  heldBytes = 0;
  /** Requests that wait in their connections behind others: not accepted yet, and no resource's. */
  readonly pipelined: Load = { held: 0, heldBytes: 0 };
  inFlight = 0;
  openStreams = 0;
  readonly ledger = new Ledger(this);
  readonly connections = new Connections(this.ledger);
  readonly stalls = new Stalls(this.ledger);
  readonly bounds: BoundsMet;
  readonly faults: FaultCounter;
  readonly wakes: WakeCounts = { underWay: 0, waiting: 0 };
  readonly breakers: BreakerCounts = { open: 0, 'half-open': 0 };
  readonly outcomes = perOutcome(() => 0);
  readonly holdSeconds: BoundHistogram;
  readonly wakeSeconds: BoundHistogram;
  readonly wakePhaseSeconds: Record<WakePhase, BoundHistogram>;
  readonly #series: Record<Outcome, { inc(): void }>;
  readonly #accepted: { inc(): void };
  readonly #retries: Record<Retry, { inc(): void }>;
  readonly #retriesRefused: { inc(): void };
  readonly #wakes: Record<'ok' | 'failed' | 'terminal', { inc(): void }>;

  constructor(metrics: Metrics = createMetrics()) {
    const requests = metrics.counter({
      name: 'dlx_requests_total',
      help: 'Requests that ended, by outcome.',
      labels: ['outcome'],
    });
    this.#series = perOutcome((outcome) => requests.bind({ outcome }));
    const accepted = { name: 'dlx_accepted_total', help: 'Requests whose head was read, and raw connections.' };
    this.#accepted = metrics.counter(accepted).bind({});
    const retries = metrics.counter({
      name: 'dlx_retries_total',
      help: 'Tries that failed and were followed by another: connect (no connection), replay (nothing was sent yet), idempotent (may be sent twice).',
      labels: ['kind'],
    });
    this.#retries = {
      connect: retries.bind({ kind: 'connect' }),
      replay: retries.bind({ kind: 'replay' }),
      idempotent: retries.bind({ kind: 'idempotent' }),
    };
    const refused = { name: 'dlx_retries_refused_total', help: 'Those that their resource had no budget for.' };
    this.#retriesRefused = metrics.counter(refused).bind({});
    const wakes = metrics.counter({
      name: 'dlx_wakes_total',
      help: 'Calls of setScale, by how they ended: ok, failed (will be retried), terminal.',
      labels: ['result'],
    });
    this.#wakes = {
      ok: wakes.bind({ result: 'ok' }),
      failed: wakes.bind({ result: 'failed' }),
      terminal: wakes.bind({ result: 'terminal' }),
    };
    this.bounds = new BoundsMet(metrics);
    this.faults = new FaultCounter(metrics);
    this.#addLoadGauges(metrics);
    this.#addWakeGauges(metrics);
    const hold = { name: 'dlx_hold_seconds', help: 'How long requests were held.', buckets: secondsBuckets };
    this.holdSeconds = metrics.histogram(hold).bind({});
    const wake = { name: 'dlx_wake_seconds', help: 'How long setScale took to wake.', buckets: secondsBuckets };
    this.wakeSeconds = metrics.histogram(wake).bind({});
    const phases = metrics.histogram({
      name: 'dlx_wake_phase_seconds',
      help: 'From the arrival of the first held request to: call (the start is written), scheduled, ready, first_byte.',
      labels: ['phase'],
      buckets: secondsBuckets,
    });
    this.wakePhaseSeconds = perName(wakePhaseNames, (phase) => phases.bind({ phase }));
  }

  accept(): void {
    this.accepted += 1;
    this.#accepted.inc();
  }

  count(outcome: Outcome): void {
    this.outcomes[outcome] += 1;
    this.#series[outcome].inc();
  }

  retried(kind: Retry): void {
    this.#retries[kind].inc();
  }

  retryRefused(): void {
    this.#retriesRefused.inc();
  }

  wakeEnded(result: 'ok' | 'failed' | 'terminal'): void {
    this.#wakes[result].inc();
  }

  /** Requests that ended. */
  ended(): number {
    return outcomeNames.reduce((sum, name) => sum + this.outcomes[name], 0);
  }

  #addLoadGauges(metrics: Metrics): void {
    const now = (name: string, help: string, read: () => number): void => {
      metrics.gauge({ name, help, collect: (set) => set({}, read()) });
    };
    now('dlx_held', 'Requests that are held now.', () => this.held);
    now(
      'dlx_held_bytes',
      'What held and pipelined requests are counted as, in bytes.',
      () => this.heldBytes + this.pipelined.heldBytes,
    );
    addLedgerMetrics(metrics, this.ledger);
    now('dlx_connections', "Clients' connections.", () => this.connections.count);
    now('dlx_connection_limit', 'How many they may be, which --connection-limit sets.', () => this.connections.limit);
    now('dlx_pipelined', 'Requests that wait in their connections behind others.', () => this.pipelined.held);
    now('dlx_in_flight', 'Requests that are being forwarded or answered now.', () => this.inFlight);
    now(
      'dlx_open_streams',
      'Those in flight that are not HTTP, or not any more, such as WebSockets and raw connections.',
      () => this.openStreams,
    );
  }

  #addWakeGauges(metrics: Metrics): void {
    const now = (name: string, help: string, value: () => number): void => {
      metrics.gauge({ name, help, collect: (set) => set({}, value()) });
    };
    now('dlx_wakes_under_way', 'Resources that are being woken, which --wake-limit bounds.', () => this.wakes.underWay);
    now('dlx_wakes_waiting', 'Resources whose wake waits in line for others.', () => this.wakes.waiting);
    metrics.gauge({
      name: 'dlx_breakers',
      help: 'Resources that came to nothing wake after wake: open (requests are refused), half-open (one more is tried).',
      labels: ['state'],
      collect: (set) => Object.entries(this.breakers).forEach(([state, count]) => set({ state }, count)),
    });
  }
}

function perOutcome<T>(make: (outcome: Outcome) => T): Record<Outcome, T> {
  return perName(outcomeNames, make);
}

function perName<N extends string, T>(names: readonly N[], make: (name: N) => T): Record<N, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<N, T>;
}
