import type { FakeApi } from '@scaler/testing-kit/kubernetes';
import type { Clock } from '@scaler/scaler-types';
import type { CountedFleet } from './counted-fleet.ts';
import type { SimulatedPrometheus } from './prometheus.ts';

/** The parts that a fault may act on. */
export interface FaultyWorld {
  readonly clock: Clock;
  readonly fleet: CountedFleet;
  readonly prometheus: SimulatedPrometheus;
  readonly api: FakeApi;
}

/** A fault of a source, or of its values. */
export interface SourceFault {
  readonly what: string;
  readonly source: 'prometheus' | 'custom-metrics';
  /** The time until the source has recovered. */
  readonly lastsMs: number;
  /** The fleet is always watched until all of it sleeps; without, only with `TRIALS=full`. */
  readonly toTheEnd?: boolean;
  begin(world: FaultyWorld): void;
  /** A fault that ends by itself needs no end. */
  end?(world: FaultyWorld): void;
}

const minute = 60_000;

/** The ways in which the adapter can be gone, each for ten minutes. */
const adapterGone = (what: string, be: (world: FaultyWorld, gone: boolean) => void): SourceFault => ({
  what,
  source: 'custom-metrics',
  lastsMs: 10 * minute,
  begin: (world) => be(world, true),
  end: (world) => be(world, false),
});

const badValues = (what: string, fault: SimulatedPrometheus['fault']): SourceFault => ({
  what,
  source: 'prometheus',
  lastsMs: 3 * minute,
  begin: ({ prometheus }) => void (prometheus.fault = fault),
  end: ({ prometheus }) => void (prometheus.fault = undefined),
});

const restarted = (what: string, downMs: number, tellsStart: boolean): SourceFault => ({
  what,
  source: 'prometheus',
  lastsMs: downMs,
  begin({ prometheus }) {
    prometheus.tellsStart = tellsStart;
    prometheus.restart(downMs);
  },
});

/** Values of the adapter by `metrics.set`, taken away and given back. */
const served = { custom: ['v1beta2', 'v1beta1'] } as const;

export const sourceFaults: readonly SourceFault[] = [
  { ...restarted('Prometheus restarted, gone for 25 s', 25_000, true), toTheEnd: true },
  restarted('Prometheus restarted between two ticks', 3_000, true),
  restarted('the same, and does not tell its start', 3_000, false),
  adapterGone('adapter gone: 503', ({ api }, gone) => api.metrics.unavailable(gone)),
  adapterGone('adapter gone: its API too', ({ api }, gone) => api.metrics.serve(gone ? { custom: [] } : served)),
  {
    what: 'counter reset of all apps',
    source: 'prometheus',
    // The fault is over once it is out of the window.
    lastsMs: minute,
    begin: ({ fleet, clock }) => void (fleet.resetMs = clock.monotonic()),
  },
  badValues('NaN', 'nan'),
  badValues('two series for each', 'two-series'),
];
