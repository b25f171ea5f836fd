import { type BoundHistogram, createMetrics, type Metrics } from '@scaler/runtime';
import { FaultCounter } from './faults.ts';
import type { Load } from './bounds.ts';
import { BoundsMet } from './bounds-met.ts';
import { Connections } from './connections.ts';
import { Ledger } from './ledger.ts';
import { addLedgerMetrics } from './ledger-metrics.ts';
import { Stalls } from './stalls.ts';
import { type Outcome, outcomeNames } from '../outcome.ts';

/** Why a request is tried again. */
export type Retry = 'connect' | 'replay' | 'idempotent';

/** For what takes as long as a wake. */
export const secondsBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

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
  readonly outcomes = perOutcome(() => 0);
  readonly holdSeconds: BoundHistogram;
  readonly #series: Record<Outcome, { inc(): void }>;
  readonly #accepted: { inc(): void };
  readonly #retries: Record<Retry, { inc(): void }>;
  readonly #retriesRefused: { inc(): void };

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
    this.bounds = new BoundsMet(metrics);
    this.faults = new FaultCounter(metrics);
    this.#addLoadGauges(metrics);
    const hold = { name: 'dlx_hold_seconds', help: 'How long requests were held.', buckets: secondsBuckets };
    this.holdSeconds = metrics.histogram(hold).bind({});
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
}

function perOutcome<T>(make: (outcome: Outcome) => T): Record<Outcome, T> {
  return Object.fromEntries(outcomeNames.map((name) => [name, make(name)])) as Record<Outcome, T>;
}
