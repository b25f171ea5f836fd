import type { BoundHistogram, Metrics } from '@scaler/runtime';
import type { BreakerCounts } from './breaker.ts';
import type { WakeCounts } from './wake-limits.ts';
import { type WakePhase, wakePhaseNames } from './wake-phases.ts';

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
    this.#addGauges(metrics);
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

  #addGauges(metrics: Metrics): void {
    const now = (name: string, help: string, value: () => number): void => {
      metrics.gauge({ name, help, collect: (set) => set({}, value()) });
    };
    now(
      'dlx_wakes_under_way',
      'Resources that are being woken, which --wake-limit bounds.',
      () => this.counts.underWay,
    );
    now('dlx_wakes_waiting', 'Resources whose wake waits in line for others.', () => this.counts.waiting);
    metrics.gauge({
      name: 'dlx_breakers',
      help: 'Resources that came to nothing wake after wake: open (requests are refused), half-open (one more is tried).',
      labels: ['state'],
      collect: (set) => Object.entries(this.breakers).forEach(([state, count]) => set({ state }, count)),
    });
  }
}
