import { type BoundHistogram, createMetrics, type Metrics } from '@scaler/runtime';
import type { Clock, Logger, ResourceRef } from '@scaler/scaler-types';
import { keptText, type Outcome, outcomeNames } from '../outcome.ts';
import { addGauge, addLedgerMetrics, BoundsMet, Connections, Ledger, type Load, NamespaceCounter } from './ledger.ts';
import { Stalls } from './stalls.ts';

/** The part that ends by a fault. */
export type FaultEnds = 'request' | 'connection';

/** A log line each so often at most: a peer that makes us throw can do so often. */
const logEveryMs = 10_000;

/** Reports faults: each is counted, and one is logged now and then, with its stack. */
export class Faults {
  readonly #counter: NamespaceCounter<FaultEnds>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(metrics: Metrics, clock: Clock, logger: Logger) {
    const faults = {
      name: 'dlx_faults_total',
      help: 'Throws at what a peer sent, by what each of them ended and its namespace; none: of no known resource.',
    };
    this.#counter = new NamespaceCounter(metrics, faults, 'ended', ['request', 'connection']);
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `ref` is the resource's, where it is known. Never throws. */
  report(error: unknown, ended: FaultEnds, ref?: ResourceRef): void {
    this.#counter.count(ended, ref?.namespace);
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#loggedMs < logEveryMs) {
      this.#unlogged += 1;
      return;
    }
    const unlogged = this.#unlogged;
    this.#loggedMs = nowMs;
    this.#unlogged = 0;
    const what = `a ${ended} ended, because what a peer sent made this DLX throw`;
    this.#logger.error(what, { ...ref, unlogged, err: error });
  }
}

/** One request that ended, as the admin server shows it. */
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

/** A request as it is remembered. */
interface Remembered {
  /** Undefined: a raw connection. */
  readonly http: { readonly url: string; readonly method: string } | undefined;
  /** Monotonic. */
  readonly startedMs: number;
}

const kept = 32;
/** Characters of a path, and of a method, which in HTTP/2 may be any word. */
const mostPath = 200;
const mostMethod = 20;
const mostDetail = 500;
/** A raw connection is remembered as this. */
const raw = { method: 'TCP', url: '' };
/** A slot beside its texts. */
const slotBytes = 192;

interface Slot {
  method: string;
  path: string;
  /** Monotonic. */
  startedMs: number;
  /** Monotonic. */
  endedMs: number;
  outcome: Outcome;
  status: number;
  detail: string | undefined;
  /** The bytes that it is counted as. */
  bytes: number;
}

/** The last requests of a resource that ended. Each is written over an old one: on the hot path nothing new is made. */
export class RecentRequests {
  readonly #ledger: Ledger;
  readonly #slots: Slot[] = [];
  #next = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  add({ http, startedMs }: Remembered, endedMs: number, outcome: Outcome, status: number, whole?: string): void {
    const { method: asked, url } = http ?? raw;
    const method = asked.length > mostMethod ? keptText(asked, mostMethod) : asked;
    const path = pathOf(url);
    const detail = whole === undefined ? undefined : keptText(whole, mostDetail);
    const bytes = slotBytes + path.length + (detail === undefined ? 0 : 2 * detail.length);
    const slot = this.#slots[this.#next];
    this.#ledger.kept += bytes - (slot?.bytes ?? 0);
    if (slot === undefined) this.#slots.push({ method, path, startedMs, endedMs, outcome, status, detail, bytes });
    else {
      slot.method = method;
      slot.path = path;
      slot.startedMs = startedMs;
      slot.endedMs = endedMs;
      slot.outcome = outcome;
      slot.status = status;
      slot.detail = detail;
      slot.bytes = bytes;
    }
    this.#next = (this.#next + 1) % kept;
  }

  /** Forgets them all. */
  clear(): void {
    for (const { bytes } of this.#slots.splice(0)) this.#ledger.kept -= bytes;
    this.#next = 0;
  }

  /** Newest first. */
  list(clock: Clock): Ended[] {
    const offset = clock.now() - clock.monotonic();
    const oldestFirst = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)];
    return oldestFirst.reverse().map(({ method, path, startedMs, endedMs, outcome, status, detail }) => ({
      method,
      outcome,
      status,
      path,
      ...(detail !== undefined && { detail }),
      at: new Date(offset + endedMs).toISOString(),
      tookMs: Math.round((endedMs - startedMs) * 10) / 10,
    }));
  }
}

/** Without its query, which may hold secrets, and with nothing of it kept alive. */
function pathOf(url: string): string {
  const query = url.indexOf('?');
  if (query === -1 && url.length <= mostPath) return url;
  return keptText(query === -1 ? url : url.slice(0, query), mostPath);
}

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
    const now = addGauge.bind(undefined, metrics);
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
