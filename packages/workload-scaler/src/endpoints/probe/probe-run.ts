import type { Clock } from '@scaler/scaler-types';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { probe } from './probe.ts';

const wakingPauseMs = 50;
// Once it has passed, only to hear if it fails again before the kubelet says Ready.
const passedPauseMs = 1_000;

/** Probes one pod, until stopped. */
export interface ProbeRun {
  readonly address: string;
  readonly passed: boolean;
  stop(): void;
}

/**
 * Runs all of a pod's probes every 50 ms until they have passed together, as often in a row as the strictest
 * `successThreshold` says; then once a second. Slower from the first minute on. `onChange` is called when `passed` changes.
 */
export function startProbing(
  specs: readonly ProbeSpec[],
  address: string,
  clock: Clock,
  onChange: (passed: boolean) => void,
): ProbeRun {
  const controller = new AbortController();
  const { signal } = controller;
  const needed = Math.max(1, ...specs.map(({ successThreshold }) => successThreshold));
  const startMs = clock.monotonic();
  let passed = false;

  async function run(): Promise<void> {
    for (let inRow = 0; ;) {
      inRow = (await allPass(specs, address, clock, signal)) ? inRow + 1 : 0;
      if (signal.aborted) return;
      const before = passed;
      passed = inRow >= needed;
      if (passed !== before) onChange(passed);
      await clock.sleep(passed ? passedPauseMs : pauseMs(clock.monotonic() - startMs), signal);
    }
  }

  void run().catch(() => undefined); // only the signal ends it
  return {
    address,
    get passed() {
      return passed;
    },
    stop: () => controller.abort(),
  };
}

// A pod that never starts is asked less and less: after a minute every 100 ms, after ten every second.
function pauseMs(elapsedMs: number): number {
  return Math.min(passedPauseMs, Math.max(wakingPauseMs, elapsedMs / 600));
}

async function allPass(
  specs: readonly ProbeSpec[],
  address: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const results = await Promise.allSettled(specs.map((spec) => probe(spec, address, clock, signal)));
  return results.every(({ status }) => status === 'fulfilled');
}
