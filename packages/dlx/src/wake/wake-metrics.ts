import type { BoundHistogram, Metrics } from '@scaler/runtime';
import { addGauge } from '../ledger/ledger.ts';
import type { BreakerCounts, WakeCounts } from './wake-limits.ts';

/**
 * Where a wake's time goes. `call`: setScale wrote what starts the resource. `scheduled`: it has a place to run on.
 * `ready`: the first held request is released to an endpoint. `first_byte`: one of them begins to be answered.
 */
export const wakePhaseNames = ['call', 'scheduled', 'ready', 'first_byte'] as const;
export type WakePhase = (typeof wakePhaseNames)[number];

/** One wake's phases, each counted once, from the arrival of the first request that waits for it. */
export class WakePhases {
  readonly #seconds: WakeMetrics['phaseSeconds'];
  readonly #arrivedMs: number;
  readonly #reached = new Set<WakePhase>();
  #readyMs = Number.POSITIVE_INFINITY;

  /** Monotonic, as all times here. */
  constructor(seconds: WakeMetrics['phaseSeconds'], arrivedMs: number) {
    this.#seconds = seconds;
    this.#arrivedMs = arrivedMs;
  }

  get isReady(): boolean {
    return this.#reached.has('ready');
  }

  /** Whether a request that arrived then waited for this wake. */
  covers(arrivedMs: number): boolean {
    return arrivedMs >= this.#arrivedMs && !this.isPastFor(arrivedMs);
  }

  /** Whether a request that arrived then waits for a later wake. One that an endpoint refused is still of this one. */
  isPastFor(arrivedMs: number): boolean {
    return arrivedMs > this.#readyMs;
  }

  reach(phase: WakePhase, nowMs: number): void {
    if (this.#reached.has(phase)) return;
    this.#reached.add(phase);
    if (phase === 'ready') this.#readyMs = nowMs;
    this.#seconds[phase].observe((nowMs - this.#arrivedMs) / 1000);
  }
}

const remembered = 5;
const unknownS = 5;
const longestS = 60;

/** How long a resource's last wakes took, for `Retry-After`. */
export class WakeHistory {
  readonly #tookMs: number[] = [];

  add(tookMs: number): void {
    this.#tookMs.push(tookMs);
    if (this.#tookMs.length > remembered) this.#tookMs.shift();
  }

  /** Seconds for `Retry-After`: the slowest of the last wakes, rounded up, from 1 to 60; before the first 5. */
  get retryAfterS(): number {
    if (this.#tookMs.length === 0) return unknownS;
    return Math.min(longestS, Math.max(1, Math.ceil(Math.max(...this.#tookMs) / 1000)));
  }
}

/** How a call of setScale ended: `failed` is tried again, `terminal` is not. */
export type WakeResult = 'ok' | 'failed' | 'terminal';

/** Counts wakes. Plain numbers where they rise and fall; metrics read them when they are scraped. */
export class WakeMetrics {
  readonly counts: WakeCounts = { underWay: 0, waiting: 0 };
  readonly breakers: BreakerCounts = { open: 0, 'half-open': 0 };
  readonly seconds: BoundHistogram;
  readonly phaseSeconds: Record<WakePhase, BoundHistogram>;
  readonly #results: Record<WakeResult, { inc(): void }>;

  constructor(metrics: Metrics, buckets: readonly number[]) {
    const wakes = metrics.counter({
      name: 'dlx_wakes_total',
      help: 'Calls of setScale, by how they ended: ok, failed (will be retried), terminal.',
      labels: ['result'],
    });
    this.#results = {
      ok: wakes.bind({ result: 'ok' }),
      failed: wakes.bind({ result: 'failed' }),
      terminal: wakes.bind({ result: 'terminal' }),
    };
    const underWay = 'Resources that are being woken, which --wake-limit bounds.';
    addGauge(metrics, 'dlx_wakes_under_way', underWay, () => this.counts.underWay);
    addGauge(metrics, 'dlx_wakes_waiting', 'Resources whose wake waits in line for others.', () => this.counts.waiting);
    metrics.gauge({
      name: 'dlx_breakers',
      help: 'Resources that came to nothing wake after wake: open (requests are refused), half-open (one more is tried).',
      labels: ['state'],
      collect: (set) => Object.entries(this.breakers).forEach(([state, count]) => set({ state }, count)),
    });
    const wake = { name: 'dlx_wake_seconds', help: 'How long setScale took to wake.', buckets };
    this.seconds = metrics.histogram(wake).bind({});
    const phases = metrics.histogram({
      name: 'dlx_wake_phase_seconds',
      help: 'From the arrival of the first held request to: call (the start is written), scheduled, ready, first_byte.',
      labels: ['phase'],
      buckets,
    });
    const bound = wakePhaseNames.map((phase) => [phase, phases.bind({ phase })]);
    this.phaseSeconds = Object.fromEntries(bound) as Record<WakePhase, BoundHistogram>;
  }

  ended(result: WakeResult): void {
    this.#results[result].inc();
  }
}
